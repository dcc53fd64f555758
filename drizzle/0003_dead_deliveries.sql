DROP INDEX `delivery_by_state`;--> statement-breakpoint
CREATE INDEX `delivery_dead` ON `delivery` (`delivery_id`) WHERE state = 'dead';