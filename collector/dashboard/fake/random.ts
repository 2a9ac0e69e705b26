/** Seeded chance, so that two runs of the fake stream look alike. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1): mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** Successes of n tries, by the normal approximation. */
  binomial(n: number, p: number): number {
    const x = n * p + Math.sqrt(n * p * (1 - p)) * this.normal();
    return Math.max(0, Math.min(n, Math.round(x)));
  }
}
