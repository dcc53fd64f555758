CREATE TABLE `campaign_load` (
	`campaign_id` integer PRIMARY KEY NOT NULL,
	`slug` text NOT NULL,
	`token` text NOT NULL,
	`beaten_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `campaign_load_by_slug` ON `campaign_load` (`slug`);--> statement-breakpoint
ALTER TABLE `campaign` ADD `columns` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `campaign` ADD `lead_count` integer DEFAULT 0 NOT NULL;