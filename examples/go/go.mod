module dindbind.example

go 1.19
