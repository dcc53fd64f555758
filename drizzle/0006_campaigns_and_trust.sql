CREATE TABLE `campaign` (
	`campaign_id` integer PRIMARY KEY NOT NULL,
	`slug` text NOT NULL,
	`name` text NOT NULL,
	`base_url` text NOT NULL,
	`landing` text NOT NULL,
	`utm` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `campaign_by_slug` ON `campaign` (`slug`);--> statement-breakpoint
CREATE TABLE `campaign_click` (
	`click_id` integer PRIMARY KEY NOT NULL,
	`campaign_id` integer NOT NULL,
	`link_id` text NOT NULL,
	`clicked_at` integer NOT NULL,
	`via` text NOT NULL,
	`verdict` text NOT NULL,
	`reason` text,
	`identity_id` integer
);
--> statement-breakpoint
CREATE INDEX `campaign_click_by_campaign` ON `campaign_click` (`campaign_id`,`clicked_at`);--> statement-breakpoint
CREATE INDEX `campaign_click_by_link` ON `campaign_click` (`link_id`,`clicked_at`);--> statement-breakpoint
CREATE INDEX `campaign_click_pending` ON `campaign_click` (`clicked_at`) WHERE verdict = 'pending';--> statement-breakpoint
CREATE TABLE `campaign_lead` (
	`campaign_id` integer NOT NULL,
	`link_id` text NOT NULL,
	`columns` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`campaign_id`, `link_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `campaign_lead_by_link` ON `campaign_lead` (`link_id`);--> statement-breakpoint
CREATE TABLE `lead` (
	`link_id` text PRIMARY KEY NOT NULL,
	`email` text NOT NULL,
	`traits` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `lead_by_email` ON `lead` (`email`);--> statement-breakpoint
CREATE TABLE `audit` (
	`audit_id` integer PRIMARY KEY NOT NULL,
	`occurred_at` integer NOT NULL,
	`key_id` text NOT NULL,
	`action` text NOT NULL,
	`subject` text,
	`detail` text
);
--> statement-breakpoint
CREATE INDEX `audit_by_time` ON `audit` (`occurred_at`);--> statement-breakpoint
CREATE TABLE `instance_secret` (
	`instance_secret_id` integer PRIMARY KEY NOT NULL,
	`secret` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `suppression` (
	`hash` text PRIMARY KEY NOT NULL,
	`suppressed_at` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `api_key` ADD `name` text;--> statement-breakpoint
ALTER TABLE `api_key` ADD `scopes` text DEFAULT 'ingest,read,admin' NOT NULL;--> statement-breakpoint
ALTER TABLE `api_key` ADD `last_used_at` integer;--> statement-breakpoint
ALTER TABLE `merge_review` ADD `decision` text;--> statement-breakpoint
ALTER TABLE `merge_review` ADD `claims` text;