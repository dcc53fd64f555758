ALTER TABLE `campaign_lead` ADD `position` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `campaign_lead_by_position` ON `campaign_lead` (`campaign_id`,`position`);