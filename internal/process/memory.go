package process

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// SaveMemory lets the heap grow by half of what is live, and by 4 MiB, from one garbage
// collection to the next, but by no more than 8 MiB unless much is live. Go's default is to
// let it double: that takes more memory while much is live, and collects a small heap every
// few milliseconds. Most of what is live are blocks of downloads, without pointers: a
// collection does not read them, so it takes little time however many there are. The first
// collection is at 6 MiB, so small runs have none.
func SaveMemory() { saveMemory(0) }

// saveMemory sets how much the heap may grow, given its live bytes, and does so again after
// each collection.
func saveMemory(live uint64) {
	debug.SetGCPercent(growth(live))
	runtime.AddCleanup(new([64]byte), func(struct{}) { // after the next collection
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}} // HeapAlloc has garbage, too, until it is swept
		metrics.Read(live)
		saveMemory(live[0].Value.Uint64())
	}, struct{}{})
}

// growth returns by how many per cent the heap may grow, given its live bytes: 10 to 150.
// At 150, Go collects no heap below 6 MiB.
func growth(live uint64) int {
	const extra, most = 4 << 20, 8 << 20
	return int(min(150, max(10, 100*min(live/2+extra, most)/max(live, 1))))
}
