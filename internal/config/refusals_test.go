package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/config"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   inputs
		want []string // a problem each, … for anything
	}{
		"boolean":                   {inputs{"merge-multiple": "yes"}, []string{`merge-multiple: "yes" is not a boolean; accepted: true or false`}},
		"boolean by its alias":      {inputs{"skip_unpack": "1"}, []string{`skip_unpack: "1" is not a boolean; accepted: true or false`}},
		"choice":                    {inputs{"if-exists": "overwite"}, []string{`if-exists: "overwite" is none of the choices (did you mean overwrite?); accepted: overwrite, skip or fail`}},
		"choice in capitals":        {inputs{"digest-mismatch": "Warn"}, []string{`did you mean warn?`}},
		"several at once":           {inputs{"runs": "0", "wait": "10", "artifact-ids": "1,x,2,y"}, []string{`runs: "0" …accepted: a whole number from 1`, `wait: "10" lacks a unit; accepted: a duration`, `artifact-ids: "x" is not a whole number…accepted: ids`, `artifact-ids: "y"`}},
		"negative":                  {inputs{"runs": "-1"}, []string{`runs: "-1" is not a whole number from 1`}},
		"plus":                      {inputs{"runs": "+1"}, []string{`runs: "+1" is not`}},
		"too large":                 {inputs{"artifact-ids": "9223372036854775808"}, []string{`is too large`}},
		"count too large":           {inputs{"max-files": "9223372036854775807"}, []string{`is too large`}},
		"too many connections":      {inputs{"concurrency": "101"}, []string{`concurrency: "101" is too large; accepted: auto, or a whole number from 1 to 100`}},
		"only separators":           {inputs{"artifact-ids": " , ,"}, []string{`artifact-ids: ", ," is an empty list; accepted: ids`}},
		"repository":                {inputs{"repository": "app"}, []string{`repository: "app" is not owner/name; accepted: owner/name`}},
		"repository with dots":      {inputs{"repository": "octo/.."}, []string{`"octo/.." is not owner/name`}},
		"repository deeper":         {inputs{"repository": "a/b/c"}, []string{`"a/b/c" is not owner/name`}},
		"address of a repository":   {inputs{"repo": "https://github.com/octo/app.git"}, []string{`repo: "https://github.com/octo/app.git" is an address (did you mean octo/app?)`}},
		"no repository":             {inputs{"repository": "", "GITHUB_REPOSITORY": ""}, []string{`repository is missing; accepted: owner/name`}},
		"no token":                  {inputs{"github-token": " "}, []string{`github-token is empty: what it is set to has no value (a secret has none in a pull request from a fork…accepted: a token with Actions read; or leave it out to use the job's own token`}},
		"token with a line break":   {inputs{"github-token": "tok\nen"}, []string{`github-token: [redacted] is not a token`}},
		"app without key":           {inputs{"app-id": "12"}, []string{`app-id needs app-private-key too`}},
		"key without app":           {inputs{"app-private-key": rsaKey}, []string{`app-private-key needs app-id too`}},
		"key that is none":          {inputs{"app-id": "Iv1.a1", "app-private-key": "hush"}, []string{`app-private-key: [redacted] is not PEM text`}},
		"key that is a public one":  {inputs{"app-id": "1", "app-private-key": strings.ReplaceAll(rsaKey, "RSA PRIVATE", "PUBLIC")}, []string{`app-private-key: [redacted] is not an unencrypted RSA private key`}},
		"app by name":               {inputs{"app-id": "my app", "app-private-key": rsaKey}, []string{`app-id: "my app" is not the id`}},
		"certificate that is none":  {inputs{"ca-cert": strings.ReplaceAll(rsaKey, "RSA PRIVATE KEY", "X509 CRL")}, []string{`holds no certificate`}},
		"token in the wrong place":  {inputs{"repository": "ghp_abcdef"}, []string{`repository: [redacted] is not owner/name`}},
		"current outside a job":     {inputs{"run-id": "current", "GITHUB_RUN_ID": ""}, []string{`run-id: "current" has no meaning outside of GitHub Actions`}},
		"current first and ids":     {inputs{"current-first": "true", "run-id": "1"}, []string{`current-first and run-id exclude each other`}},
		"current first, artifacts":  {inputs{"current-first": "true", "artifact-ids": "1"}, []string{`current-first and artifact-ids exclude each other`}},
		"current first, no job":     {inputs{"current-first": "true", "GITHUB_RUN_ID": ""}, []string{`current-first has no meaning outside of GitHub Actions`}},
		"run id by name":            {inputs{"run_id": "main"}, []string{`run_id: "main" is not a whole number from 1; accepted: current, or ids`}},
		"the latest run":            {inputs{"run-id": "Latest"}, []string{`run-id: "Latest" is no id; leave it out, and the newest run that fits is taken; accepted: current, or ids`}},
		"run id and search":         {inputs{"run-id": "1", "branch": "main", "commit": "v1", "pr": "2"}, []string{`run-id and branch exclude each other`, `run-id and commit exclude`, `run-id and pr exclude`}},
		"run id and ref":            {inputs{"run_id": "1", "ref": "main"}, []string{`run_id and ref exclude`}},
		"ref and branch":            {inputs{"ref": "main", "branch": "x"}, []string{`ref and branch exclude`}},
		"ref of a pull request":     {inputs{"ref": "refs/pull/7/merge"}, []string{`ref: "refs/pull/7/merge" is a pull request's ref (did you mean pr: 7?)`}},
		"commit of a pull request":  {inputs{"commit": "refs/pull/7/head"}, []string{`commit: "refs/pull/7/head" is a pull request's ref (did you mean pr: 7?)`}},
		"branch that is a tag":      {inputs{"branch": "refs/tags/v1"}, []string{`branch: "refs/tags/v1" is a tag (did you mean commit: "v1"?)`}},
		"branch glob":               {inputs{"branch": "main\nrelease-*"}, []string{`branch: "release-*" is not a name git would accept`}},
		"commit that is a branch":   {inputs{"commit": "refs/heads/x"}, []string{`did you mean branch: "x"?`}},
		"branch with a command":     {inputs{"commit": "refs/heads/x\n::error::y"}, []string{`did you mean branch: "x\n::error::y"?`}},
		"expression on two lines":   {inputs{"name-regex": "a\nb"}, []string{`name-regex: "a\nb" has several lines`}},
		"two commits":               {inputs{"commit": "v1\nv2"}, []string{`commit: "v1\nv2" has several lines`}},
		"pull request with #":       {inputs{"pr": "#3"}, []string{`pr: "#3" is not a whole number`}},
		"event":                     {inputs{"event": "push,pull-request"}, []string{`event: "pull-request" is not the name of an event (did you mean pull_request?)`}},
		"actor":                     {inputs{"actor": "a b"}, []string{`actor: "a b" is not a login`}},
		"conclusion":                {inputs{"conclusion": "success,canceled"}, []string{`conclusion: "canceled" is neither…did you mean cancelled?…accepted: any, or one or more of success, failure`}},
		"conclusion any and more":   {inputs{"workflow_conclusion": "any,success"}, []string{`workflow_conclusion: "any,success" lists other values besides any`}},
		"look-ahead":                {inputs{"name-regex": "^(?!debug).*"}, []string{`name-regex: "^(?!debug).*" uses look-around…use pattern with lines that begin with !…accepted: an RE2 expression`}},
		"look-behind":               {inputs{"name": "(?<=a)b", "name_is_regexp": "true"}, []string{`name: "(?<=a)b" uses look-around…pattern`}},
		"back-reference":            {inputs{"name-regex": `(a)\1`}, []string{`uses a back-reference`}},
		"expression":                {inputs{"name-regex": `(a`}, []string{`name-regex: "(a" is not a valid expression (missing closing )`}},
		"glob":                      {inputs{"pattern": "a[\nok\n!{b"}, []string{`pattern: "a[" has a [ without a ]; write \[ for the character itself; accepted: globs`, `pattern: "!{b" has a { without a }`}},
		"empty exclusion":           {inputs{"files": "!"}, []string{`files: "!" is an exclamation mark without a glob`}},
		"extended glob":             {inputs{"pattern": "!(debug)"}, []string{`pattern: "!(debug)" is an extended glob; write a line of its own that begins with !`}},
		"empty range":               {inputs{"pattern": "[z-a]", "files": "x[9-0]"}, []string{`pattern: "[z-a]" has the range z-a, which is empty`, `files: "x[9-0]" has the range 9-0`}},
		"POSIX class":               {inputs{"files": "data-[[:digit:]]"}, []string{`files: "data-[[:digit:]]" has the POSIX class [:digit:]; write 0-9 within the brackets`}},
		"extended glob in between":  {inputs{"pattern": "a-@(x|y)\nb-*(x|y)"}, []string{`"a-@(x|y)" is an extended`, `"b-*(x|y)" is an extended`}},
		"shard of nothing":          {inputs{"shard": "0/4"}, []string{`shard: "0/4" is not i/n, counted from 1; accepted: i/n with i from 1 to n`}},
		"shard beyond":              {inputs{"shard": "5/4"}, []string{`shard: "5/4" names share 5 of only 4`}},
		"size":                      {inputs{"max-size": "2G"}, []string{`max-size: "2G" could mean GB (powers of 1000) or GiB (powers of 1024); accepted: a size`}},
		"no size":                   {inputs{"max-size": "0"}, []string{`max-size: "0" must be greater than 0`}},
		"age":                       {inputs{"max-age": "0d"}, []string{`max-age: "0d" must be greater than 0`}},
		"two paths":                 {inputs{"path": "a\nb"}, []string{`path: "a\nb" has several lines; accepted: the path of one directory`}},
		"a path too long":           {inputs{"path": strings.Repeat("p/", 2100)}, []string{`path: "p/p/…is longer than a path may be, 4096 bytes`}},
		"a long expression":         {inputs{"name-regex": strings.Repeat("a|", 40000)}, []string{`is longer than 65536 bytes`}},
		"an expression of repeats":  {inputs{"name-regex": "((a{1000}){1000}){1000}"}, []string{`is not a valid expression (invalid repeat count: "{1000}")`}},
		"an address for ca-cert":    {inputs{"ca-cert": "https://example.com/ca.pem"}, []string{`ca-cert: "https://example.com/ca.pem" is an address, not a file`}},
		"NUL":                       {inputs{"path": "a\x00b"}, []string{`path: "a\x00b" holds a control character`}},
		"name and ids":              {inputs{"name": "a", "artifact-ids": "1"}, []string{`name and artifact-ids exclude each other`}},
		"all ways":                  {inputs{"name": "a", "pattern": "*", "name-regex": "x", "artifact-ids": "1"}, []string{`name and name-regex and artifact-ids exclude each other`}},
		"pattern and expression":    {inputs{"pattern": "*", "name-regex": "x"}, []string{`pattern and name-regex exclude`}},
		"delete and parts":          {inputs{"delete": "true", "files": "*"}, []string{`delete and files exclude each other: what was not fetched of an artifact would be lost`}},
		"whole and in parts":        {inputs{"skip-decompress": "true", "unpack": "true", "files": "*"}, []string{`skip-decompress and unpack exclude`, `skip-decompress and files exclude`}},
		"empty pr, and forks":       {inputs{"pr": "", "allow-forks": "true"}, []string{`pr is empty: what it is set to has no value, and with allow-forks the runs of all forks would fit; accepted: the number of a pull request`}},
		"own name and alias":        {inputs{"run-id": "1", "run_id": "2"}, []string{`run-id and its alias run_id are both given and differ`}},
		"regexp both ways":          {inputs{"name": "a", "name_is_regexp": "true", "name-regex": "b"}, []string{`name-regex and name with name_is_regexp are both given and differ`}},
		"conclusion both ways":      {inputs{"conclusion": "failure", "workflow_conclusion": ""}, []string{`conclusion and its alias workflow_conclusion are both given and differ`}},
		"website for API":           {inputs{"github-api-url": "https://github.com"}, []string{`github-api-url: "https://github.com" is the address of the website (did you mean https://api.github.com?)`}},
		"website for API, ghe.com":  {inputs{"github-api-url": "https://octo.ghe.com"}, []string{`did you mean https://api.octo.ghe.com?`}},
		"no scheme":                 {inputs{"github-api-url": "ghe.example.com"}, []string{`lacks https:// in front; accepted: https://api.github.com`}},
		"another scheme":            {inputs{"github-api-url": "ftp://ghe.example.com"}, []string{`is not the address of an API`}},
		"no host":                   {inputs{"github-api-url": "https://:443/x"}, []string{`is not the address of an API`}},
		"credentials in address":    {inputs{"github-api-url": "https://u:p@ghe.example.com"}, []string{`github-api-url: [redacted] holds a user or a password, which are not used; remove them`}},
		"query in address":          {inputs{"github-api-url": "https://ghe.example.com/?a=b"}, []string{`has more than scheme, host and path`}},
		"bad variable":              {inputs{"GITHUB_API_URL": "x"}, []string{`GITHUB_API_URL: "x" lacks https://`}},
		"overruled, but wrong":      {inputs{"run-id": "1", "max-age": "old"}, []string{`max-age: "old" is not a duration`}},
		"a break in a log's line":   {inputs{"workflow": "a\n::error::b"}, []string{`workflow: "a\n::error::b" has several lines`}},
		"long values are shortened": {inputs{"shard": strings.Repeat("x", 1000)}, []string{`shard: "` + strings.Repeat("x", 80) + `"… is not`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := config.FromEnv(with(tt.in).lookup)
			all, ok := errors.AsType[*config.Errors](err)
			if !ok {
				t.Fatalf("got %T %v, want *config.Errors", err, err)
			}
			if cfg == nil {
				t.Error("no Config beside the error")
			}
			if len(all.Problems) != len(tt.want) {
				t.Fatalf("got %d problems, want %d:\n%v", len(all.Problems), len(tt.want), err)
			}
			for i, p := range all.Problems {
				if one, ok := errors.AsType[*config.InputError](err); !ok || one != all.Problems[0] {
					t.Errorf("errors.As finds %v", one)
				}
				if !inOrder(p.Error(), strings.Split(tt.want[i], "…")) {
					t.Errorf("got  %s\nwant %s", p, tt.want[i])
				}
				if !strings.Contains(err.Error(), p.Error()) || strings.Contains(p.Error(), "\n") {
					t.Errorf("%q is not a line of %q", p, err)
				}
			}
		})
	}
}

// inOrder reports whether s holds the parts one after the other, the first one
// at its beginning if it names an input.
func inOrder(s string, parts []string) bool {
	if i := strings.Index(parts[0], ": "); i > 0 && !strings.ContainsAny(parts[0][:i], ` "(`) && !strings.HasPrefix(s, parts[0]) {
		return false
	}
	for _, part := range parts {
		_, rest, ok := strings.Cut(s, part)
		if !ok {
			return false
		}
		s = rest
	}
	return true
}
