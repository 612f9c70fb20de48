/** A module of the benchmark. They are JavaScript without declarations: the benchmark runs as it is, unbuilt. */
export function load(name: string) {
  return import(new URL(`../../bench/${name}`, import.meta.url).href)
}
