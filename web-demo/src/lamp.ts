/** The lamps, drawn: where the light is, and what stands around it. */

interface Drawing {
  light: { x: number; y: number; r: number };
  body: string;
}

const DRAWINGS: Record<string, Drawing> = {
  arc: {
    light: { x: 234, y: 200, r: 130 },
    body: '<path class="stem" d="M92 272V150c0-70 120-90 136-26M60 274h64"/><path class="shade" d="m196 168 14-48h40l22 48z"/>',
  },
  reed: {
    light: { x: 160, y: 104, r: 130 },
    body: '<path class="stem" d="M160 286V92M132 288h56"/><path class="shade" d="m128 104 16-62h32l16 62z"/>',
  },
  pebble: {
    light: { x: 160, y: 196, r: 140 },
    body:
      '<ellipse class="stem-fill" cx="160" cy="258" rx="62" ry="14"/>' +
      '<path class="shade" d="M92 214c0-54 30-88 68-88s68 34 68 88c0 22-28 34-68 34s-68-12-68-34z"/>',
  },
};

export function drawLamp(key: string, svg = document.createElementNS("http://www.w3.org/2000/svg", "svg")): SVGSVGElement {
  const drawing = DRAWINGS[key];
  svg.setAttribute("viewBox", "0 0 320 320");
  svg.classList.add("lamp");
  if (!drawing) return svg;
  const { x, y, r } = drawing.light;
  svg.innerHTML =
    `<defs><radialGradient id="glow-${key}"><stop offset="0" stop-opacity="0.85"/><stop offset="1" stop-opacity="0"/></radialGradient></defs>` +
    `<circle cx="${x}" cy="${y}" r="${r}" fill="url(#glow-${key})"/>${drawing.body}`;
  return svg;
}
