package artifact

import "fmt"

func ExampleShard() {
	var items []Item
	for i, size := range []int64{70, 10, 20, 30, 40} {
		items = append(items, Item{Artifact: Artifact{ID: int64(i + 1), Size: size}})
	}
	for i := 1; i <= 2; i++ {
		var ids []int64
		for _, item := range Shard(items, i, 2) {
			ids = append(ids, item.Artifact.ID)
		}
		fmt.Println(ids)
	}
	// Output:
	// [1 3]
	// [2 4 5]
}
