"""The record, the only home of SQL: rows with states, attempts, leases; one transaction couples cause and effect."""
