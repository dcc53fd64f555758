/**
 * How a statement about all that a person is begins: a table `whole` of the person and whoever was merged into it and is
 * not parted from it again.
 */
export function withWhole(parameter: `?${number}`): string {
  return `with recursive whole (person_id) as (
    select ${parameter} union select m.absorbed_id from whole w join merge m on m.survivor_id = w.person_id
    where m.undone_at is null
  )`;
}
