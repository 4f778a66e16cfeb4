package actions

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	for most, want := range map[int64]string{4: "it is larger than 4 B", 5: "", 6: ""} {
		data, err := ReadFile(name, most)
		if want == "" && (err != nil || string(data) != "12345") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%d: %q, %v", most, data, err)
		}
	}
	if _, err := ReadFile(filepath.Dir(name), 5); err == nil || !strings.Contains(err.Error(), "it is a directory, not a file") {
		t.Errorf("a directory gave %v", err)
	}
}
