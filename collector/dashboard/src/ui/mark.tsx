/** The scale that tilts. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" />
      <path d="M7 19.5 25 12.5M16 16v8" />
      <circle class="mark-light" cx="8" cy="14" r="2.6" />
      <circle cx="23.6" cy="7.6" r="3.4" />
    </svg>
  );
}
