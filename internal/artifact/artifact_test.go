package artifact

import "testing"

func TestWorkflowPath(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         "",
		".github/workflows/ci.yml": ".github/workflows/ci.yml",
		".github/workflows/ci.yml@refs/heads/main":                  ".github/workflows/ci.yml",
		"octo/app/.github/workflows/ci.yaml@refs/heads/a@b.yml":     "octo/app/.github/workflows/ci.yaml",
		".github/workflows/deploy@2.yml":                            ".github/workflows/deploy@2.yml",
		".github/workflows/deploy@2.yml@refs/pull/1/merge":          ".github/workflows/deploy@2.yml",
		".github/workflows/a.yml.yml@main":                          ".github/workflows/a.yml.yml",
		"dynamic/github-code-scanning/codeql":                       "dynamic/github-code-scanning/codeql",
		"dynamic/github-code-scanning/codeql@refs/heads/main":       "dynamic/github-code-scanning/codeql",
		"dynamic/pages/pages-build-deployment@refs/heads/gh-pages@": "dynamic/pages/pages-build-deployment",
	} {
		if got := WorkflowPath(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
