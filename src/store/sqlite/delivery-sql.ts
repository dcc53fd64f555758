const COLUMNS = `delivery_id as deliveryId, signal_id as signalId, person_id as personId, destination, state, attempts,
  next_attempt_at as nextAttemptMs, last_attempt_at as lastAttemptMs, last_status as lastStatus,
  last_answer as lastAnswer, created_at as createdMs`;

/**
 * `+?` where a statement sorts, joins or recurses and is run for every signal: SQLite would plan it again for each value
 * of a bare `?` there, which takes twenty times as long as running it. The indexes are used all the same.
 *
 * Of the pending deliveries of a person at a destination only the earliest has a time to be sent at; when it is through,
 * the next one gets its own. So what is due is one walk along one index, however long the line.
 */
export const DELIVERY_SQL = {
  insert: `insert into delivery (delivery_id, signal_id, person_id, destination, state, body, attempts, next_attempt_at, created_at)
    values (max(?1, coalesce((select max(delivery_id) from delivery), 0) + 1), ?1, ?2, ?3, 'pending', ?4, 0,
      case when exists (select 1 from delivery where state = 'pending' and person_id = ?2 and destination = ?3)
        then null else ?5 end, ?5)`,
  selectAbsorbed: `with recursive absorbed (person_id) as (
      select absorbed_id from merge where survivor_id = +?1 and undone_at is null
      union select m.absorbed_id from merge m join absorbed a on m.survivor_id = a.person_id where m.undone_at is null
    ) select person_id as personId from absorbed`,
  takeOver: `update delivery set person_id = ?1 where state = 'pending' and person_id = ?2 returning destination`,
  holdBack: `update delivery set next_attempt_at = null
    where state = 'pending' and person_id = ?1 and destination = ?2 and next_attempt_at is not null and delivery_id >
      (select min(delivery_id) from delivery where state = 'pending' and person_id = ?1 and destination = ?2)`,
  /** Next to nobody has anything in line, and saying so costs a twentieth of looking for the first. */
  isInLine: `select 1 from delivery where state = 'pending' and person_id = ?1 and destination = ?2 limit 1`,
  release: `update delivery set next_attempt_at = ?3 where next_attempt_at is null and delivery_id =
      (select min(delivery_id) from delivery where state = 'pending' and person_id = +?1 and destination = +?2)`,
  due: `select delivery_id as deliveryId from delivery
    where state = 'pending' and destination = +?1 and next_attempt_at between +?4 and +?2
    order by next_attempt_at limit +?3`,
  toSend: `select delivery_id as deliveryId, body, attempts from delivery where delivery_id = ?`,
  nextDueMs: `select next_attempt_at as nextAttemptMs from delivery
    where state = 'pending' and destination = +?1 and next_attempt_at > +?2 order by next_attempt_at limit 1`,
  mark: `update delivery set state = ?2, attempts = ?3, next_attempt_at = ?4, last_attempt_at = ?5, last_status = ?6,
    last_answer = ?7 where delivery_id = ?1 and state = 'pending' returning person_id as personId`,
  /** Those that would wait longest first: what fails meanwhile is due again within seconds, and has had its turn. */
  hurry: `update delivery set next_attempt_at = ?2 where delivery_id in (select delivery_id from delivery
    where state = 'pending' and destination = ?1 and next_attempt_at > ?2 order by next_attempt_at desc limit ?3)`,
  /** Those that a clock which was ahead has put off, and not a failure: never tried, or tried in the future. */
  pullForward: `update delivery set next_attempt_at = ?2 where delivery_id in (select delivery_id from delivery
    where state = 'pending' and destination = ?1 and next_attempt_at > ?2
      and (last_attempt_at is null or last_attempt_at > ?2) order by next_attempt_at desc limit ?3)`,
  byId: `select ${COLUMNS} from delivery where delivery_id = ?`,
  bySignal: `select ${COLUMNS} from delivery where signal_id = ? order by delivery_id`,
  /** Those that wait are few beside those that arrived: sorting their ids beats walking past all the others. */
  pending: `select ${COLUMNS} from delivery where delivery_id in (select delivery_id from delivery indexed by delivery_due
    where state = 'pending' and delivery_id < ?1 order by delivery_id desc limit ?2) order by delivery_id desc`,
  dead: `select ${COLUMNS} from delivery where state = 'dead' and delivery_id < ?1 order by delivery_id desc limit ?2`,
  delivered: `select ${COLUMNS} from delivery
    where state = 'delivered' and delivery_id < ?1 and delivery_id >= ?3 order by delivery_id desc limit ?2`,
  /** The last of so many below a delivery, whatever their state; nothing where there are fewer. */
  floor: `select delivery_id as deliveryId from delivery where delivery_id < ?1
    order by delivery_id desc limit 1 offset ?2 - 1`,
  latest: `select ${COLUMNS} from delivery where delivery_id < ?1 order by delivery_id desc limit ?2`,
  lastId: `select max(delivery_id) as deliveryId from delivery`,
  /** Whatever their state, so that each step is as short however much waits. */
  since: `select delivery_id as deliveryId, created_at as createdMs from delivery
    where destination = ?1 and (created_at, delivery_id) > (?2, ?3) and delivery_id <= ?4
    order by created_at, delivery_id limit ?5`,
  reopen: `update delivery set state = 'pending', attempts = 0, next_attempt_at = ?2
    where delivery_id = ?1 and state <> 'pending' returning person_id as personId`,
  counts: `select destination, 'pending' as state, count(*) as count from delivery indexed by delivery_due
      where state = 'pending' group by destination
    union all select destination, 'dead', count(*) from delivery indexed by delivery_dead
      where state = 'dead' group by destination`,
} as const;
