CREATE INDEX `merge_review_open_first` ON `merge_review` (person_ids ->> 0) WHERE decision is null;--> statement-breakpoint
CREATE INDEX `merge_review_open_second` ON `merge_review` (person_ids ->> 1) WHERE decision is null;--> statement-breakpoint
CREATE INDEX `merge_review_open_third` ON `merge_review` (person_ids ->> 2) WHERE decision is null;--> statement-breakpoint
CREATE INDEX `merge_review_open_fourth` ON `merge_review` (person_ids ->> 3) WHERE decision is null;