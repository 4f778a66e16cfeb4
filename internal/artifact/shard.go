package artifact

import (
	"cmp"
	"container/heap"
	"slices"
)

// Shard returns share i of n of a plan's items, counted from 1 (1 ≤ i ≤ n), in the items'
// order. Shares are about equally large, and depend only on the items: every job that
// finds the same items splits them in the same way.
//
// The largest item goes to the smallest share, and so on (Graham, "Bounds on
// Multiprocessing Timing Anomalies", 1969: no share gets more than a third
// over the best split). An item whose size is not known counts as the average
// of the others.
func Shard(items []Item, i, n int) []Item {
	if i > len(items) {
		return nil // each item has a share of its own, and the other shares are empty
	}
	sizes := sharedSizes(items)
	order := make([]int, len(items))
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(sizes[b], sizes[a]), cmp.Compare(items[a].Artifact.ID, items[b].Artifact.ID))
	})
	all := make(shares, min(n, len(items)))
	for s := range all {
		all[s].number = s
	}
	var mine []int
	for _, k := range order {
		least := &all[0]
		if least.number == i-1 {
			mine = append(mine, k)
		}
		least.size += sizes[k]
		least.count++
		heap.Fix(&all, 0)
	}
	slices.Sort(mine)
	share := make([]Item, len(mine))
	for j, k := range mine {
		share[j] = items[k]
	}
	return share
}

// largest bounds each size, so that sums of any number of sizes do not overflow.
const largest = 1 << 40

// sharedSizes returns the sizes to balance.
func sharedSizes(items []Item) []int64 {
	sizes := make([]int64, len(items))
	var sum, known int64
	for k, item := range items {
		if size := min(item.Artifact.Size, largest); size > 0 {
			sizes[k] = size
			sum += size
			known++
		}
	}
	average := sum / max(known, 1)
	for k := range sizes {
		if sizes[k] == 0 {
			sizes[k] = max(average, 1)
		}
	}
	return sizes
}

// load is the total size of one share so far.
type load struct {
	size   int64
	count  int
	number int
}

// shares is a heap with the smallest share at its top.
type shares []load

func (s shares) Len() int { return len(s) }
func (s shares) Less(a, b int) bool {
	return cmp.Or(cmp.Compare(s[a].size, s[b].size), cmp.Compare(s[a].count, s[b].count), cmp.Compare(s[a].number, s[b].number)) < 0
}
func (s shares) Swap(a, b int) { s[a], s[b] = s[b], s[a] }

// Push and Pop are not needed: the number of shares does not change.
func (s *shares) Push(any) {}
func (s *shares) Pop() any { return nil }
