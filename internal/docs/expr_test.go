package docs

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
)

// scope is what the expressions of a workflow can name: "github", "steps" and the other
// contexts. A name that is not in it is an error, so a misspelt one fails a test. What a
// context may lack on GitHub is in it as nil.
type scope map[string]any

// with returns the scope with further contexts.
func (s scope) with(more scope) scope {
	all := maps.Clone(s)
	maps.Copy(all, more)
	return all
}

// fill replaces the expressions in a text with their values.
func (s scope) fill(text string) (string, error) {
	v, err := s.value(text)
	return toText(v), err
}

// value returns the value of a text that is one expression, or the text with the values
// of the expressions in it.
func (s scope) value(text string) (any, error) {
	var b strings.Builder
	for rest := text; ; {
		before, after, found := strings.Cut(rest, "${{")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		v, end, err := s.expression(after)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		rest = after[end:]
		if before == "" && rest == "" && b.Len() == 0 {
			return v, nil
		}
		b.WriteString(toText(v))
	}
}

// expression evaluates the expression at the beginning of a text, up to the }} at its end,
// and returns the offset behind that.
func (s scope) expression(text string) (v any, end int, err error) {
	lexer := actionlint.NewExprLexer(text)
	node, parseErr := actionlint.NewExprParser().Parse(lexer)
	if parseErr != nil {
		return nil, 0, parseErr
	}
	v, err = s.eval(node)
	return v, lexer.Offset(), err
}

// condition evaluates an if: with or without ${{ }}. Without a function that asks for the
// status, the steps before have to have succeeded. ok says whether they did.
func (s scope) condition(text string, ok bool) (bool, error) {
	if text == "" {
		return ok, nil
	}
	inner := strings.TrimSuffix(strings.TrimPrefix(text, "${{"), "}}")
	lexer := actionlint.NewExprLexer(inner + "}}")
	node, parseErr := actionlint.NewExprParser().Parse(lexer)
	if parseErr != nil {
		return false, parseErr
	}
	asks := false
	actionlint.VisitExprNode(node, func(n, _ actionlint.ExprNode, _ bool) {
		if call, isCall := n.(*actionlint.FuncCallNode); isCall {
			asks = asks || slices.Contains([]string{"always", "failure", "success", "cancelled"}, strings.ToLower(call.Callee))
		}
	})
	v, err := s.with(scope{statusKey: ok}).eval(node)
	return truth(v) && (asks || ok), err
}

// statusKey is the name of a scope's entry for success() and failure().
const statusKey = "success()"

func (s scope) eval(node actionlint.ExprNode) (any, error) {
	switch n := node.(type) {
	case *actionlint.NullNode:
		return nil, nil //nolint:nilnil // null is the value
	case *actionlint.BoolNode:
		return n.Value, nil
	case *actionlint.IntNode:
		return float64(n.Value), nil
	case *actionlint.StringNode:
		return n.Value, nil
	case *actionlint.VariableNode:
		return property(map[string]any(s), n.Name)
	case *actionlint.ObjectDerefNode:
		receiver, err := s.eval(n.Receiver)
		if err != nil {
			return nil, err
		}
		return property(receiver, n.Property)
	case *actionlint.IndexAccessNode:
		return s.index(n)
	case *actionlint.NotOpNode:
		v, err := s.eval(n.Operand)
		return !truth(v), err
	case *actionlint.LogicalOpNode:
		left, err := s.eval(n.Left)
		if err != nil || truth(left) == (n.Kind == actionlint.LogicalOpNodeKindOr) {
			return left, err
		}
		return s.eval(n.Right)
	case *actionlint.CompareOpNode:
		return s.compare(n)
	case *actionlint.FuncCallNode:
		return s.call(n)
	}
	return nil, fmt.Errorf("an expression of type %T, which the test does not know", node)
}

func (s scope) index(n *actionlint.IndexAccessNode) (any, error) {
	operand, err := s.eval(n.Operand)
	if err != nil {
		return nil, err
	}
	index, err := s.eval(n.Index)
	if err != nil {
		return nil, err
	}
	list, isList := operand.([]any)
	i, isNumber := index.(float64)
	switch {
	case isList && isNumber && int(i) < len(list):
		return list[int(i)], nil
	case isList:
		return nil, fmt.Errorf("there is no element %v", index)
	}
	return property(operand, toText(index))
}

// property returns a property. As on GitHub, case does not matter, and null has every
// property.
func property(v any, name string) (any, error) {
	object, ok := v.(map[string]any)
	switch {
	case v == nil:
		return nil, nil //nolint:nilnil // null is the value
	case !ok:
		return nil, fmt.Errorf("%v has no properties", v)
	}
	for k, value := range object {
		if strings.EqualFold(k, name) {
			return value, nil
		}
	}
	return nil, fmt.Errorf("there is no %s; there are %q", name, slices.Sorted(maps.Keys(object)))
}

func (s scope) compare(n *actionlint.CompareOpNode) (any, error) {
	left, err1 := s.eval(n.Left)
	right, err2 := s.eval(n.Right)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	a, b := toNumber(left), toNumber(right)
	switch n.Kind {
	case actionlint.CompareOpNodeKindEq:
		return equal(left, right), nil
	case actionlint.CompareOpNodeKindNotEq:
		return !equal(left, right), nil
	case actionlint.CompareOpNodeKindLess:
		return a < b, nil
	case actionlint.CompareOpNodeKindLessEq:
		return a <= b, nil
	case actionlint.CompareOpNodeKindGreater:
		return a > b, nil
	default:
		return a >= b, nil
	}
}

// equal compares as GitHub does: strings without regard to case, values of different types
// as numbers.
func equal(a, b any) bool {
	x, isText := a.(string)
	y, areTexts := b.(string)
	if isText && areTexts {
		return strings.EqualFold(x, y)
	}
	return toNumber(a) == toNumber(b)
}

func toNumber(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case bool:
		if v {
			return 1
		}
	case string:
		if v != "" {
			n, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return -1 // NaN on GitHub, which differs from everything that the pages compare
			}
			return n
		}
	}
	return 0
}

func truth(v any) bool { return v != nil && v != false && v != "" && v != 0.0 }

func (s scope) call(n *actionlint.FuncCallNode) (any, error) {
	args := make([]any, len(n.Args))
	for i, arg := range n.Args {
		var err error
		if args[i], err = s.eval(arg); err != nil {
			return nil, err
		}
	}
	switch strings.ToLower(n.Callee) {
	case "fromjson":
		var v any
		err := json.Unmarshal([]byte(toText(args[0])), &v)
		return v, err
	case "contains":
		return strings.Contains(strings.ToLower(toText(args[0])), strings.ToLower(toText(args[1]))), nil
	case "always":
		return true, nil
	case "success", "failure":
		return truth(s[statusKey]) == (strings.ToLower(n.Callee) == "success"), nil
	}
	return nil, fmt.Errorf("%s() is a function that the test does not know", n.Callee)
}

// toText converts a value as GitHub does.
func toText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case map[string]any:
		return "Object"
	}
	return "Array"
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	s := scope{
		"github": map[string]any{"head_ref": "", "ref_name": "main", "event": map[string]any{"pull_request": nil}, "sha": "abc"},
		"steps":  map[string]any{"one": map[string]any{"outputs": map[string]any{"found": "false", "list": `[{"name":"a"},{"name":"b"}]`}}},
	}
	for text, want := range map[string]string{
		"plain": "plain",
		"${{ github.head_ref || github.ref_name }}":                 "main",
		"x ${{ github.sha }} y ${{github.SHA}}":                     "x abc y abc",
		"${{ github.event.pull_request.head.sha || github.sha }}":   "abc",
		"${{ steps.one.outputs.found == 'False' && 'no' || '}}' }}": "no",
		"${{ fromJSON(steps.one.outputs.list)[1].name }}":           "b",
		"${{ !steps.one.outputs.found }}":                           "false",
		"${{ github['sha'] != 'abc' }} ${{ 1 < 2 }} ${{ null }}":    "false true ",
		"${{ contains(github.ref_name, 'MA') }}":                    "true",
		"${{ github.shaa }}":                                        "error",
		"${{ hashFiles('x') }}":                                     "error",
		"${{ github.sha":                                            "error",
	} {
		got, err := s.fill(text)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s is %q, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string][2]bool{ // after success, after failure
		"":                                   {true, false},
		"steps.one.outputs.found == 'false'": {true, false},
		"${{ always() }}":                    {true, true},
		"failure() && github.sha == 'abc'":   {false, true},
	} {
		for i, ok := range []bool{true, false} {
			if got, err := s.condition(text, ok); err != nil || got != want[i] {
				t.Errorf("if: %s is %v, %v after success: %v", text, got, err, ok)
			}
		}
	}
}
