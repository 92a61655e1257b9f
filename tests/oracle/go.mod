module dindbind.oracle

go 1.19
