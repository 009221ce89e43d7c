"""The record: the only home of SQL. Rows with states, attempts and leases; one transaction couples a cause to its consequences."""
