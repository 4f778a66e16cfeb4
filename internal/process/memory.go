package process

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// SaveMemory lets the heap grow by half of what is live, and by 4 MiB, from one garbage
// collection to the next. Go's default is to let it double: that takes more memory while
// much is live, and collects a small heap every few milliseconds. The first collection is
// at Go's 4 MiB, so small runs have none.
func SaveMemory() {
	runtime.AddCleanup(new([64]byte), func(struct{}) { // after the next collection
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}} // HeapAlloc has garbage, too, until it is swept
		metrics.Read(live)
		debug.SetGCPercent(growth(live[0].Value.Uint64()))
		SaveMemory()
	}, struct{}{})
}

// growth returns by how many per cent the heap may grow, given its live bytes: 50 to 150.
// At 150, Go collects no heap below 6 MiB.
func growth(live uint64) int {
	const extra = 4 << 20
	return 50 + int(min(100, 100*extra/max(live, 1)))
}
