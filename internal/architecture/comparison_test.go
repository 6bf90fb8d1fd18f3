package architecture

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// secretName is what a value is called that a caller proves itself with.
var secretName = regexp.MustCompile(`(?i)(secret|ticket|cookie|browserkey|digest|hash|password|token|mac|\.key)\b`)

// sentinelName is what an error is called that is compared as a value.
var sentinelName = regexp.MustCompile(`^err[A-Z]\w*$`)

// equalities are calls that end at the first difference.
var equalities = []string{"bytes.Equal", "bytes.Compare", "strings.EqualFold", "strings.Compare", "slices.Equal", "reflect.DeepEqual"}

// TestSecretsAreComparedInConstantTime looks at each comparison of two values
// in the packages that look at proofs. One with a constant is none.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	compared := 0
	for _, dir := range []string{"internal/pool", "internal/login", "internal/risk", "internal/token", "internal/authorization", "server", "server/oidc", "server/authing", "server/push", "internal/identity", "internal/config", "internal/settings", "cmd/scanlogin"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", dir, err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				sides := comparison(n)
				compared += len(sides)
				if slices.ContainsFunc(sides, secretName.MatchString) {
					t.Errorf("%s: %s are compared byte by byte; use subtle.ConstantTimeCompare", fset.Position(n.Pos()), strings.Join(sides, " and "))
				}
				return true
			})
		}
	}
	if compared == 0 {
		t.Error("no comparison was found at all")
	}
}

// comparison returns the two sides of a comparison of values, nil if n is none.
func comparison(n ast.Node) []string {
	var sides []ast.Expr
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if n.Op == token.EQL || n.Op == token.NEQ {
			sides = []ast.Expr{n.X, n.Y}
		}
	case *ast.SwitchStmt:
		if n.Tag == nil {
			return nil
		}
		for _, clause := range n.Body.List {
			for _, value := range clause.(*ast.CaseClause).List {
				if _, ok := value.(*ast.BasicLit); !ok {
					sides = append(sides, value)
				}
			}
		}
		if len(sides) > 0 {
			sides = append(sides, n.Tag)
		}
	case *ast.CallExpr:
		if slices.Contains(equalities, text(n.Fun)) {
			sides = n.Args
		}
	}
	var texts []string
	for _, side := range sides {
		if _, ok := side.(*ast.BasicLit); ok || text(side) == "nil" || strings.HasPrefix(text(side), "len(") || sentinelName.MatchString(text(side)) {
			return nil // a constant, or no value at all
		}
		texts = append(texts, text(side))
	}
	return texts
}

func text(n ast.Node) string {
	var b bytes.Buffer
	_ = printer.Fprint(&b, token.NewFileSet(), n) // a parsed node can be printed
	return b.String()
}
