CREATE TABLE `destination` (
	`name` text PRIMARY KEY NOT NULL,
	`paused_at` integer,
	`pause_reason` text,
	`failing_since` integer
);
--> statement-breakpoint
ALTER TABLE `delivery` ADD `last_status` integer;--> statement-breakpoint
CREATE INDEX `delivery_in_line` ON `delivery` (`person_id`,`destination`,`delivery_id`) WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX `delivery_by_state` ON `delivery` (`state`,`delivery_id`);--> statement-breakpoint
CREATE INDEX `delivery_by_destination` ON `delivery` (`destination`,`created_at`);