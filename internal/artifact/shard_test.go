package artifact

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var one, other = Repo{Owner: "octo", Name: "app"}, Repo{Owner: "octo", Name: "lib"}

func sized(sizes ...int64) []Item {
	var items []Item
	for i, size := range sizes {
		items = append(items, Item{Artifact: Artifact{ID: int64(i + 1), Size: size, Repo: one}})
	}
	return items
}

// split is the ids of each share, and how large it is.
func split(items []Item, n int) (ids [][]int64, sizes []int64) {
	for i := 1; i <= n; i++ {
		var list []int64
		var size int64
		for _, item := range Shard(items, i, n) {
			list = append(list, item.Artifact.ID)
			size += item.Artifact.Size
		}
		ids, sizes = append(ids, list), append(sizes, size)
	}
	return ids, sizes
}

func TestShard(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		items []Item
		n     int
		want  string
	}{
		"by size":                        {sized(1, 8, 4, 3), 2, "[[2] [1 3 4]]"},
		"equal sizes":                    {sized(5, 5, 5, 5, 5), 2, "[[1 3 5] [2 4]]"},
		"more shares than items":         {sized(1, 2), 4, "[[2] [1] [] []]"},
		"none":                           {nil, 2, "[[] []]"},
		"no size is known":               {sized(0, 0, 0, 0), 2, "[[1 3] [2 4]]"},
		"unknown sizes beside known":     {sized(10, 10, 0, 0, 0, 0), 2, "[[1 3 5] [2 4 6]]"},
		"unknown sizes are the average":  {sized(30, 10, 0, 0), 2, "[[1 2] [3 4]]"},
		"negative sizes":                 {sized(-5, 10, -7, 10), 2, "[[1 3] [2 4]]"},
		"sizes that no number holds":     {sized(math.MaxInt64, math.MaxInt64, math.MaxInt64, 1), 2, "[[1 3] [2 4]]"},
		"of two repositories, the ids":   {[]Item{{Artifact: Artifact{ID: 9, Repo: one}}, {Artifact: Artifact{ID: 2, Repo: other}}}, 2, "[[2] [9]]"},
		"whatever the order of the list": {[]Item{sized(5, 5, 5)[2], sized(5, 5, 5)[0], sized(5, 5, 5)[1]}, 3, "[[1] [2] [3]]"},
	}
	for name, tt := range tests {
		if ids, _ := split(tt.items, tt.n); fmt.Sprint(ids) != tt.want {
			t.Errorf("%s: %v, want %s", name, ids, tt.want)
		}
	}
}

// Every item is in one share, in whichever order the items are listed, and no
// share is larger than Graham's bound.
func TestShardsOfRandomItems(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 5))
		items := make([]Item, r.IntN(60))
		var total, most int64
		for i := range items {
			items[i].Artifact = Artifact{ID: int64(i + 1), Size: 1 + r.Int64N(1000), Repo: []Repo{one, other}[r.IntN(2)]}
			total += items[i].Artifact.Size
			most = max(most, items[i].Artifact.Size)
		}
		n := 1 + r.IntN(8)
		ids, sizes := split(items, n)
		mixed := slices.Clone(items)
		r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		again, _ := split(mixed, n)
		seen := map[int64]bool{}
		for i := range ids {
			for _, id := range ids[i] {
				if seen[id] {
					t.Fatalf("seed %d: %d is in two shares", seed, id)
				}
				seen[id] = true
			}
			slices.Sort(again[i])
			slices.Sort(ids[i])
			if !slices.Equal(ids[i], again[i]) {
				t.Fatalf("seed %d: share %d depends on the order: %v and %v", seed, i+1, ids[i], again[i])
			}
			if limit := max(most, total/int64(n)) * 4 / 3; sizes[i] > limit+most/3+1 {
				t.Fatalf("seed %d: share %d has %d of %d", seed, i+1, sizes[i], total)
			}
		}
		if len(seen) != len(items) {
			t.Fatalf("seed %d: %d of %d items are in a share", seed, len(seen), len(items))
		}
	}
}

// BenchmarkShard shows that neither many items nor many shares cost their
// product.
func BenchmarkShard(b *testing.B) {
	items := sized(make([]int64, 100_000)...)
	for b.Loop() {
		Shard(items, 1, len(items))
	}
}
