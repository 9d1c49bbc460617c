-- An insert writes one file for all columns instead of two hundred, and ten parts are merged at once instead of five:
-- a fifth and a tenth of what a span costs (decision 0024). What is large, and read most, keeps a file for each column.
ALTER TABLE spans MODIFY SETTING min_bytes_for_wide_part = 268435456, merge_selector_base = 10;
ALTER TABLE metric_points MODIFY SETTING min_bytes_for_wide_part = 268435456, merge_selector_base = 10;
ALTER TABLE logs MODIFY SETTING min_bytes_for_wide_part = 268435456, merge_selector_base = 10;
