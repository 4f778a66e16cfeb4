package app

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// SaveMemory makes the heap grow by half of what is live, and by 4 MiB, from one garbage
// collection to the next. Go's default is by all of it, which takes more memory where much
// has to be kept, and collects a small heap every few milliseconds. The first collection is
// at Go's 4 MiB, so small runs have none.
func SaveMemory() {
	runtime.AddCleanup(new([64]byte), func(struct{}) { // after the next collection
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}} // HeapAlloc has garbage, too, until it is swept
		metrics.Read(live)
		debug.SetGCPercent(growth(live[0].Value.Uint64()))
		SaveMemory()
	}, struct{}{})
}

// growth returns by how many per cent of live bytes the heap may grow. They are never
// below 50, and never above 150, at which Go collects from 6 MiB on.
func growth(live uint64) int {
	const extra = 4 << 20
	return 50 + int(min(100, 100*extra/max(live, 1)))
}
