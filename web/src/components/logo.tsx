/** The product's mark: a pulse through a tile. */
export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden className={className}>
      <rect width="24" height="24" rx="6" className="fill-[oklch(0.54_0.095_200)]" />
      <path
        d="M5 13.5h2.6l2.2-6 3.6 10 2.2-6.2 1 2.2H19"
        fill="none"
        stroke="#fff"
        strokeWidth="1.9"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
