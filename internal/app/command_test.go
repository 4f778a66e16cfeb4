package app

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/githubsim"
)

func testKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

func TestCommand(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args   string
		code   int
		stdout string
		stderr string
	}{
		"fetch":          {"--repository octo/app --run-id 1 --name dist --path out", 0, "found=true\n", "1 artifact, 2 files, 4 B"},
		"search":         {"--repository octo/lib --name dist", 0, "run-id=5\n", "run 5 of octo/lib"},
		"json":           {"--repository octo/app --run-id 1 --name dist --json", 0, "\"found\": true,\n", ""},
		"nothing found":  {"--repository octo/app --run-id 1 --name nope", 3, "found=false\n", `error: artifact "nope" not found in run 1 of octo/app`},
		"ignored":        {"--repository octo/app --run-id 1 --name nope --if-no-artifact-found ignore", 0, "found=false\n", ""},
		"failure":        {"--repository octo/app --run-id 2 --name evil", 1, "error-message=artifact", `error: artifact "evil"`},
		"a file":         {"--repository octo/app --run-id 4 --name jar --path out", 0, `"files":1,`, "1 artifact, 1 file"},
		"kept":           {"--repository octo/app --run-id 1 --name dist --path out --skip-decompress", 0, `/dist.zip","files":1,`, "1 artifact, 1 file"},
		"expected":       {"--repository octo/app --run-id 1 --name dist --expect-digest " + strings.Repeat("0", 64), 1, "found=false\n", "error: not the SHA-256 expected: artifact \"dist\" (11) of octo/app has "},
		"expected, none": {"--repository octo/app --run-id 1 --name dist --expect-digest=", 2, "", "error: --expect-digest is empty"},
		"help":           {"--help", 0, "--skip-decompress", ""},
		"version":        {"--version", 0, "artifetch 1.2.3\n", ""},
		"unknown flag":   {"--nmae x", 2, "", "did you mean --name"},
		"argument":       {"dist", 2, "", "error: "},
		"no repository":  {"--name x", 2, "", "--repository is missing, and the remotes of the current directory are unknown"},
		"bad value":      {"--repository octo/app --max-size x", 2, "", `--max-size: "x"`},
		"current run":    {"--repository octo/app --run-id current", 2, "", "has no meaning outside of GitHub Actions"},
		"nothing at all": {"", 2, "", "artifetch --help"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, githubsim.Options{})
			dir := t.TempDir()
			var stdout, stderr bytes.Buffer
			env := map[string]string{"GITHUB_TOKEN": "ghs_owner", "GITHUB_API_URL": w.APIURL, "HOME": dir}
			code := Main(t.Context(), Env{
				Args: strings.Fields(tt.args), Version: "1.2.3", Stdout: &stdout, Stderr: &stderr,
				Lookup:  func(k string) (string, bool) { v, ok := env[k]; return v, ok },
				Environ: func() []string { return nil }, Getwd: func() (string, error) { return dir, nil },
			})
			if code != tt.code || !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("exit code %d, want %d\n--- stdout\n%s--- stderr\n%s", code, tt.code, &stdout, &stderr)
			}
			if strings.Contains(stderr.String(), "::") && !strings.Contains(tt.args, "--help") {
				t.Errorf("workflow commands outside of a job:\n%s", &stderr)
			}
			switch name {
			case "fetch":
				if b, err := os.ReadFile(filepath.Join(dir, "out", "d", "b.txt")); err != nil || string(b) != "b1" {
					t.Errorf("%q, %v", b, err)
				}
			case "a file":
				if b, err := os.ReadFile(filepath.Join(dir, "out", "x.jar")); err != nil || !bytes.HasPrefix(b, []byte("PK")) {
					t.Errorf("%q, %v", b, err)
				}
			case "json":
				var v struct {
					Artifacts []artifactOutput
					Runs      []runOutput
				}
				if err := json.Unmarshal(stdout.Bytes(), &v); err != nil || len(v.Artifacts) != 1 || len(v.Runs) != 1 {
					t.Errorf("%+v, %v", v, err)
				}
			}
		})
	}
}
