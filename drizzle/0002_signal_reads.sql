CREATE INDEX `signal_by_time` ON `signal` (`created_at`);--> statement-breakpoint
CREATE INDEX `signal_by_threshold` ON `signal` (`threshold`,`created_at`);