module example.com/scanlogin-site

go 1.26
