package config

// The tables, for tests that compare them with the documentation.
var (
	Inputs  = table
	Outputs = outputs
	Groups  = groups
)
