ALTER TABLE `destination` ADD `quiet_until` integer;--> statement-breakpoint
CREATE INDEX `event_uncounted` ON `event` (`identity_id`,`occurred_at`) WHERE bot is not null or name = 'identify';