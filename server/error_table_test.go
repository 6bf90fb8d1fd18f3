package server_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestEveryErrorIsDescribed compares x-errors with the table in error_table.go.
func TestEveryErrorIsDescribed(t *testing.T) {
	file, err := parser.ParseFile(gotoken.NewFileSet(), "error_table.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]bool) // whether it is described
	ast.Inspect(file, func(n ast.Node) bool {
		row, ok := n.(*ast.CompositeLit)
		for i := 0; ok && i+2 < len(row.Elts); i++ {
			code, isNumber := row.Elts[i].(*ast.BasicLit)
			status, isName := row.Elts[i+1].(*ast.SelectorExpr)
			message, isText := row.Elts[i+2].(*ast.BasicLit)
			if isNumber && isName && isText {
				rows[fmt.Sprintf("code %s, http.%s, %s", code.Value, status.Sel.Name, message.Value)] = false
			}
		}
		return true
	})
	if len(rows) < 20 {
		t.Fatalf("the rows of error_table.go were not found: %v", rows)
	}
	for _, e := range validator.api.errors {
		row := fmt.Sprintf("code %d, http.Status%s, %q", e.Code, strings.ReplaceAll(http.StatusText(e.Status), " ", ""), e.Message)
		if _, ok := rows[row]; !ok {
			t.Errorf("x-errors in web/openapi.yaml has a row that is not in error_table.go: %s", row)
		}
		rows[row] = true
	}
	for row, is := range rows {
		if !is {
			t.Errorf("error_table.go has a row that is not in web/openapi.yaml: %s. Add it to x-errors, and its code to the response of that status among components/responses", row)
		}
	}
}

// TestEveryErrorOfTheUseCasesHasARow reads the names in internal/login/errors.go.
func TestEveryErrorOfTheUseCasesHasARow(t *testing.T) {
	file, err := parser.ParseFile(gotoken.NewFileSet(), "../internal/login/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("error_table.go")
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	ast.Inspect(file, func(n ast.Node) bool {
		var declared []*ast.Ident
		switch n := n.(type) {
		case *ast.ValueSpec:
			declared = n.Names
		case *ast.TypeSpec:
			declared = []*ast.Ident{n.Name}
		}
		for _, name := range declared {
			if !name.IsExported() {
				continue
			}
			names++
			if !regexp.MustCompile(`\blogin\.` + name.Name + `\b`).Match(table) {
				t.Errorf("error_table.go has nothing for login.%s", name.Name)
			}
		}
		return true
	})
	if names < 20 {
		t.Errorf("only %d names were found", names)
	}
}
