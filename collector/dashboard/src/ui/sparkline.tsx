/** A minute as a line, from zero up. It decorates the number beside it, which says the same in words. */

const WIDTH = 96;
const HEIGHT = 26;

export function Sparkline({ values }: { values: readonly number[] }) {
  if (values.length < 3) return null;
  const most = Math.max(...values, 1);
  const step = WIDTH / (values.length - 1);
  const path = values.map((v, i) => `${(i * step).toFixed(1)},${(HEIGHT - 3 - (v / most) * (HEIGHT - 6)).toFixed(1)}`).join(" ");
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true" focusable="false">
      <polyline points={path} />
    </svg>
  );
}
