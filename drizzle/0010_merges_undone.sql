CREATE TABLE `apart` (
	`person_id` integer NOT NULL,
	`other_id` integer NOT NULL,
	`parted_at` integer NOT NULL,
	PRIMARY KEY(`person_id`, `other_id`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `identity` ADD `said_with` integer;--> statement-breakpoint
CREATE INDEX `merge_undone` ON `merge` (`merge_id`) WHERE undone_at is not null;--> statement-breakpoint
CREATE INDEX `merge_review_by_decision` ON `merge_review` (`decision`,`review_id`);