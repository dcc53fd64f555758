CREATE TABLE `account` (
	`account_id` integer PRIMARY KEY NOT NULL,
	`domain` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `account_by_domain` ON `account` (`domain`);--> statement-breakpoint
CREATE TABLE `api_key` (
	`key_id` integer PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`hash` text NOT NULL,
	`public_value` text,
	`created_at` integer NOT NULL,
	`revoked_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `api_key_by_hash` ON `api_key` (`hash`);--> statement-breakpoint
CREATE TABLE `delivery` (
	`delivery_id` integer PRIMARY KEY NOT NULL,
	`signal_id` integer NOT NULL,
	`person_id` integer NOT NULL,
	`destination` text NOT NULL,
	`state` text NOT NULL,
	`body` text NOT NULL,
	`attempts` integer NOT NULL,
	`next_attempt_at` integer,
	`last_attempt_at` integer,
	`last_answer` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `delivery_due` ON `delivery` (`destination`,`next_attempt_at`) WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX `delivery_by_signal` ON `delivery` (`signal_id`);--> statement-breakpoint
CREATE TABLE `event` (
	`event_seq` integer PRIMARY KEY NOT NULL,
	`event_id` text NOT NULL,
	`identity_id` integer NOT NULL,
	`name` text NOT NULL,
	`occurred_at` integer NOT NULL,
	`received_at` integer NOT NULL,
	`session_id` text,
	`url` text,
	`referrer` text,
	`properties` text,
	`bot` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `event_by_event_id` ON `event` (`event_id`);--> statement-breakpoint
CREATE INDEX `event_by_identity` ON `event` (`identity_id`,`occurred_at`);--> statement-breakpoint
CREATE TABLE `heartbeat` (
	`heartbeat_id` integer PRIMARY KEY NOT NULL,
	`beaten_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `identity` (
	`identity_id` integer PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`value` text NOT NULL,
	`person_id` integer NOT NULL,
	`is_verified` integer NOT NULL,
	`created_at` integer NOT NULL,
	`retired_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `identity_by_value` ON `identity` (`value`,`kind`) WHERE retired_at is null;--> statement-breakpoint
CREATE INDEX `identity_by_person` ON `identity` (`person_id`);--> statement-breakpoint
CREATE TABLE `intent_score` (
	`person_id` integer PRIMARY KEY NOT NULL,
	`sums` text NOT NULL,
	`thresholds` text NOT NULL,
	`attribution` text,
	`first_seen_at` integer NOT NULL,
	`last_seen_at` integer NOT NULL,
	`session_count` integer NOT NULL,
	`score` real NOT NULL,
	`score_bound` real NOT NULL,
	`scored_at` integer NOT NULL,
	`rank` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `intent_score_by_rank` ON `intent_score` (`rank`,`person_id`);--> statement-breakpoint
CREATE TABLE `merge` (
	`merge_id` integer PRIMARY KEY NOT NULL,
	`survivor_id` integer NOT NULL,
	`absorbed_id` integer NOT NULL,
	`through` text NOT NULL,
	`merged_at` integer NOT NULL,
	`undone_at` integer,
	`snapshot` text NOT NULL,
	`last_event_seq` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `merge_by_survivor` ON `merge` (`survivor_id`);--> statement-breakpoint
CREATE INDEX `merge_by_absorbed` ON `merge` (`absorbed_id`);--> statement-breakpoint
CREATE TABLE `merge_review` (
	`review_id` integer PRIMARY KEY NOT NULL,
	`person_ids` text NOT NULL,
	`reason` text NOT NULL,
	`created_at` integer NOT NULL,
	`decided_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `merge_review_by_people` ON `merge_review` (`person_ids`);--> statement-breakpoint
CREATE TABLE `person` (
	`person_id` integer PRIMARY KEY NOT NULL,
	`traits` text NOT NULL,
	`verified_traits` text NOT NULL,
	`account_id` integer,
	`merged_into` integer,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `rejected_event` (
	`rejected_seq` integer PRIMARY KEY NOT NULL,
	`rejected_at` integer NOT NULL,
	`code` text NOT NULL,
	`field` text,
	`message` text NOT NULL,
	`body` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `session` (
	`identity_id` integer NOT NULL,
	`session_id` text NOT NULL,
	`started_at` integer NOT NULL,
	`ended_at` integer NOT NULL,
	`entry_url` text,
	`exit_url` text,
	`event_count` integer NOT NULL,
	`counted` text NOT NULL,
	`first_touch` text,
	PRIMARY KEY(`identity_id`, `session_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `signal` (
	`signal_id` integer PRIMARY KEY NOT NULL,
	`person_id` integer NOT NULL,
	`threshold` text NOT NULL,
	`epoch` integer NOT NULL,
	`created_at` integer NOT NULL,
	`data` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `signal_by_epoch` ON `signal` (`person_id`,`threshold`,`epoch`);