"""The record, and the only home of SQL: rows with states, attempts and leases; one transaction couples cause and effect."""
