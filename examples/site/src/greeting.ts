export function greeting(now: Date): string {
  return now.getHours() < 12 ? "Good morning" : "Good day";
}
