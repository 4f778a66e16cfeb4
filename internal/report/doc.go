// Package report words everything that the program says to people: the lines of the log
// (Log), what went wrong and what to do about it, the outputs and the job summary of a
// Result. It decides nothing: a Result or an error in, text out.
//
// Where to look:
//
//	log.go      the lines of the log, in the order in which a run writes them
//	choice.go   lines about runs and artifacts that were chosen, or passed over
//	doubts.go   what the server's answers leave open of a choice
//	origin.go   what is said of runs that come, or may come, from forks
//	costs.go    for what a search sent its requests
//	merging.go  files that several artifacts have
//	tars.go     what became of tars in artifacts, and of their files
//	result.go   Result, and the errors that only app can have
//	handon.go   outputs and summary are written for the runner
//	audience.go who reads a message: the author of a workflow, or a person at a terminal
//	message.go  an error, and the advice for it:
//	            notfound.go for a search that found nothing, api.go for the API's errors,
//	            fetching.go for those of fetching, extracting and publishing, network.go for
//	            a network that does not let the program through
//	outputs.go  the outputs
//	summary.go  the job summary
//	printer.go  what the command prints of a fetch; listing.go of list, files.go of ls and
//	            diff; table.go lays out their tables
//
// Texts of servers and inputs are escaped by the log (see package actions), and, in
// outputs and summary, here. All that may be long is bounded.
package report
