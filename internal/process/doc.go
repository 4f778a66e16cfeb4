// Package process is what artifetch needs of a process, whatever it runs: signals and
// broken pipes that end a context, the width of a terminal, a heap that grows slowly, and
// the version that was built. It knows nothing of runs and artifacts.
//
// WithSignals and SaveMemory change the state of the whole process: only main calls them.
// What ends a context here matches context.Canceled, and its text says why: "terminated",
// "the log's reader is gone".
package process
