CREATE TABLE `retention` (
	`swept` text PRIMARY KEY NOT NULL,
	`before_at` integer NOT NULL
);
--> statement-breakpoint
DROP INDEX `audit_by_time`;--> statement-breakpoint
CREATE INDEX `audit_by_subject` ON `audit` (`subject`,`audit_id`) WHERE subject is not null;