"""Step 9, COUNT: what the kept facts say about revenue, by month, by week and by cohort."""
