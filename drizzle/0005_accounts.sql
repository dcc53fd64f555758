DROP INDEX `signal_by_epoch`;--> statement-breakpoint
ALTER TABLE `signal` ADD `account_id` integer;--> statement-breakpoint
CREATE UNIQUE INDEX `signal_by_account` ON `signal` (`account_id`,`threshold`,`epoch`) WHERE account_id is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `signal_by_epoch` ON `signal` (`person_id`,`threshold`,`epoch`) WHERE account_id is null;--> statement-breakpoint
ALTER TABLE `account` ADD `thresholds` text DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE `intent_score` ADD `account_id` integer;--> statement-breakpoint
ALTER TABLE `intent_score` ADD `seen_day` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `intent_score_by_account` ON `intent_score` (`account_id`,`seen_day`) WHERE account_id is not null;--> statement-breakpoint
UPDATE `intent_score` SET `seen_day` = `last_seen_at` / 86400000, `account_id` = (SELECT `account_id` FROM `person` WHERE `person`.`person_id` = `intent_score`.`person_id`);