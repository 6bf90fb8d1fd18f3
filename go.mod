module github.com/scanlogin/scanlogin

go 1.26
