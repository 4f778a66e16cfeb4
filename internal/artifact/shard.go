package artifact

import (
	"cmp"
	"slices"
)

// Shard is share i of n, counted from 1 (1 ≤ i ≤ n), of a plan's items. Shares are about
// as large as each other, and depend on nothing but the items: every job that
// finds the same ones splits them the same way. The order is kept.
//
// The largest item goes to the smallest share, and so on (Graham, "Bounds on
// Multiprocessing Timing Anomalies", 1969: no share gets more than a third
// over the best split).
func Shard(items []Item, i, n int) []Item {
	order := make([]int, len(items))
	for k := range order {
		order[k] = k
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := items[a].Artifact, items[b].Artifact
		return cmp.Or(cmp.Compare(y.Size, x.Size), cmp.Compare(x.Repo.String(), y.Repo.String()), cmp.Compare(x.ID, y.ID))
	})
	if i > len(items) {
		return nil // each item is in a share of its own before this one
	}
	n = min(n, len(items))
	sizes, counts := make([]int64, n), make([]int, n)
	var mine []int
	for _, k := range order {
		least := 0
		for s := range n {
			if cmp.Or(cmp.Compare(sizes[s], sizes[least]), cmp.Compare(counts[s], counts[least])) < 0 {
				least = s
			}
		}
		sizes[least] += items[k].Artifact.Size
		counts[least]++
		if least == i-1 {
			mine = append(mine, k)
		}
	}
	slices.Sort(mine)
	share := make([]Item, len(mine))
	for j, k := range mine {
		share[j] = items[k]
	}
	return share
}
