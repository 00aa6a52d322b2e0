package spark

import (
	"context"
	"fmt"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Catalog lists and changes databases, tables, views and functions, and Spark's cache of tables. A table is named as in SQL:
// table, database.table or catalog.database.table.
type Catalog struct{ session *Session }

// Catalog returns the session's catalog.
func (s *Session) Catalog() Catalog { return Catalog{s} }

// CatalogInfo describes a catalog of the server.
type CatalogInfo struct {
	Name        string  `spark:"name"`
	Description *string `spark:"description"`
}

// Database describes a database.
type Database struct {
	Name        string  `spark:"name"`
	Catalog     *string `spark:"catalog"`
	Description *string `spark:"description"`
	LocationURI *string `spark:"locationUri"`
}

// Table describes a table or view.
type Table struct {
	Name        string   `spark:"name"`
	Catalog     *string  `spark:"catalog"`
	Namespace   []string `spark:"namespace"`
	Description *string  `spark:"description"`
	Type        string   `spark:"tableType"` // MANAGED, EXTERNAL, VIEW, TEMPORARY
	IsTemporary bool     `spark:"isTemporary"`
}

// CatalogColumn describes a column of a table.
type CatalogColumn struct {
	Name        string  `spark:"name"`
	Description *string `spark:"description"`
	DataType    string  `spark:"dataType"`
	Nullable    bool    `spark:"nullable"`
	IsPartition bool    `spark:"isPartition"`
	IsBucket    bool    `spark:"isBucket"`
}

// Function describes a function.
type Function struct {
	Name        string   `spark:"name"`
	Catalog     *string  `spark:"catalog"`
	Namespace   []string `spark:"namespace"`
	Description *string  `spark:"description"`
	ClassName   string   `spark:"className"`
	IsTemporary bool     `spark:"isTemporary"`
}

func (c Catalog) frame(q *pb.Catalog) *DataFrame {
	return c.session.newDataFrame(&pb.Relation{RelType: &pb.Relation_Catalog{Catalog: q}})
}

// catalogValue returns the single value of a result.
func catalogValue[T any](ctx context.Context, c Catalog, q *pb.Catalog) (T, error) {
	var none T
	rows, err := c.frame(q).Collect(ctx)
	if err != nil {
		return none, err
	}
	if len(rows) != 1 || rows[0].Len() != 1 {
		return none, fmt.Errorf("catalog: the server returned %d rows, expected 1", len(rows))
	}
	return Get[T](rows[0], rows[0].Names()[0])
}

func (c Catalog) do(ctx context.Context, q *pb.Catalog) error {
	_, err := c.frame(q).Collect(ctx)
	return err
}

// optional is nil for an empty text.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// CurrentCatalog returns the name of the current catalog.
func (c Catalog) CurrentCatalog(ctx context.Context) (string, error) {
	return catalogValue[string](ctx, c, &pb.Catalog{CatType: &pb.Catalog_CurrentCatalog{CurrentCatalog: &pb.CurrentCatalog{}}})
}

// SetCurrentCatalog sets the current catalog of the session.
func (c Catalog) SetCurrentCatalog(ctx context.Context, name string) error {
	return c.do(ctx, &pb.Catalog{CatType: &pb.Catalog_SetCurrentCatalog{SetCurrentCatalog: &pb.SetCurrentCatalog{CatalogName: name}}})
}

// ListCatalogs lists the catalogs whose names match a pattern such as "s*|t*"; an empty one matches all.
func (c Catalog) ListCatalogs(ctx context.Context, pattern string) ([]CatalogInfo, error) {
	return CollectAs[CatalogInfo](ctx, c.frame(&pb.Catalog{CatType: &pb.Catalog_ListCatalogs{ListCatalogs: &pb.ListCatalogs{Pattern: optional(pattern)}}}))
}

// CurrentDatabase returns the name of the current database.
func (c Catalog) CurrentDatabase(ctx context.Context) (string, error) {
	return catalogValue[string](ctx, c, &pb.Catalog{CatType: &pb.Catalog_CurrentDatabase{CurrentDatabase: &pb.CurrentDatabase{}}})
}

// SetCurrentDatabase sets the current database of the session.
func (c Catalog) SetCurrentDatabase(ctx context.Context, name string) error {
	return c.do(ctx, &pb.Catalog{CatType: &pb.Catalog_SetCurrentDatabase{SetCurrentDatabase: &pb.SetCurrentDatabase{DbName: name}}})
}

// ListDatabases lists the databases of the current catalog. The pattern is as in ListCatalogs.
func (c Catalog) ListDatabases(ctx context.Context, pattern string) ([]Database, error) {
	return CollectAs[Database](ctx, c.frame(&pb.Catalog{CatType: &pb.Catalog_ListDatabases{ListDatabases: &pb.ListDatabases{Pattern: optional(pattern)}}}))
}

// GetDatabase describes a database.
func (c Catalog) GetDatabase(ctx context.Context, name string) (Database, error) {
	return single[Database](ctx, c.frame(&pb.Catalog{CatType: &pb.Catalog_GetDatabase{GetDatabase: &pb.GetDatabase{DbName: name}}}))
}

func single[T any](ctx context.Context, d *DataFrame) (T, error) {
	var none T
	list, err := CollectAs[T](ctx, d)
	if err != nil {
		return none, err
	}
	if len(list) != 1 {
		return none, fmt.Errorf("catalog: the server returned %d rows, expected 1", len(list))
	}
	return list[0], nil
}

// DatabaseExists reports whether there is a database.
func (c Catalog) DatabaseExists(ctx context.Context, name string) (bool, error) {
	return catalogValue[bool](ctx, c, &pb.Catalog{CatType: &pb.Catalog_DatabaseExists{DatabaseExists: &pb.DatabaseExists{DbName: name}}})
}

// ListTables lists the tables and views of a database, by default the current one, and the temporary views. The pattern is as in
// ListCatalogs.
func (c Catalog) ListTables(ctx context.Context, database, pattern string) ([]Table, error) {
	return CollectAs[Table](ctx, c.frame(&pb.Catalog{CatType: &pb.Catalog_ListTables{ListTables: &pb.ListTables{DbName: optional(database), Pattern: optional(pattern)}}}))
}

// GetTable describes a table or view.
func (c Catalog) GetTable(ctx context.Context, name string) (Table, error) {
	return single[Table](ctx, c.frame(&pb.Catalog{CatType: &pb.Catalog_GetTable{GetTable: &pb.GetTable{TableName: name}}}))
}

// TableExists reports whether there is a table or view.
func (c Catalog) TableExists(ctx context.Context, name string) (bool, error) {
	return catalogValue[bool](ctx, c, &pb.Catalog{CatType: &pb.Catalog_TableExists{TableExists: &pb.TableExists{TableName: name}}})
}

// ListColumns lists the columns of a table or view.
func (c Catalog) ListColumns(ctx context.Context, table string) ([]CatalogColumn, error) {
	return CollectAs[CatalogColumn](ctx, c.frame(&pb.Catalog{CatType: &pb.Catalog_ListColumns{ListColumns: &pb.ListColumns{TableName: table}}}))
}

// ListFunctions lists the functions of a database, by default the current one, with the built-in and temporary ones. The pattern is as in
// ListCatalogs.
func (c Catalog) ListFunctions(ctx context.Context, database, pattern string) ([]Function, error) {
	return CollectAs[Function](ctx, c.frame(&pb.Catalog{CatType: &pb.Catalog_ListFunctions{ListFunctions: &pb.ListFunctions{DbName: optional(database), Pattern: optional(pattern)}}}))
}

// GetFunction describes a function.
func (c Catalog) GetFunction(ctx context.Context, name string) (Function, error) {
	return single[Function](ctx, c.frame(&pb.Catalog{CatType: &pb.Catalog_GetFunction{GetFunction: &pb.GetFunction{FunctionName: name}}}))
}

// FunctionExists reports whether there is a function.
func (c Catalog) FunctionExists(ctx context.Context, name string) (bool, error) {
	return catalogValue[bool](ctx, c, &pb.Catalog{CatType: &pb.Catalog_FunctionExists{FunctionExists: &pb.FunctionExists{FunctionName: name}}})
}

// CreateTable creates an empty table of the current catalog. source is its format, by default that of
// spark.sql.sources.default; options may have the path of an external table.
func (c Catalog) CreateTable(ctx context.Context, name string, schema StructType, source string, options map[string]string) error {
	if err := complete(schema); err != nil {
		return fmt.Errorf("create table %s: %w", name, err)
	}
	return c.do(ctx, &pb.Catalog{CatType: &pb.Catalog_CreateTable{CreateTable: &pb.CreateTable{
		TableName: name, Source: optional(source), Schema: schema.wire(), Options: options,
	}}})
}

// DropTempView removes a temporary view, and reports whether there was one.
func (c Catalog) DropTempView(ctx context.Context, name string) (bool, error) {
	return catalogValue[bool](ctx, c, &pb.Catalog{CatType: &pb.Catalog_DropTempView{DropTempView: &pb.DropTempView{ViewName: name}}})
}

// DropGlobalTempView removes a global temporary view, and reports whether there was one. name is without global_temp.
func (c Catalog) DropGlobalTempView(ctx context.Context, name string) (bool, error) {
	return catalogValue[bool](ctx, c, &pb.Catalog{CatType: &pb.Catalog_DropGlobalTempView{DropGlobalTempView: &pb.DropGlobalTempView{ViewName: name}}})
}

// IsCached reports whether a table or view is in Spark's cache.
func (c Catalog) IsCached(ctx context.Context, table string) (bool, error) {
	return catalogValue[bool](ctx, c, &pb.Catalog{CatType: &pb.Catalog_IsCached{IsCached: &pb.IsCached{TableName: table}}})
}

// CacheTable stores a table or view in Spark's cache, as DataFrame.Persist does.
func (c Catalog) CacheTable(ctx context.Context, table string) error {
	return c.do(ctx, &pb.Catalog{CatType: &pb.Catalog_CacheTable{CacheTable: &pb.CacheTable{TableName: table}}})
}

// UncacheTable removes a table or view from Spark's cache.
func (c Catalog) UncacheTable(ctx context.Context, table string) error {
	return c.do(ctx, &pb.Catalog{CatType: &pb.Catalog_UncacheTable{UncacheTable: &pb.UncacheTable{TableName: table}}})
}

// ClearCache removes everything from Spark's cache, also what other sessions stored.
func (c Catalog) ClearCache(ctx context.Context) error {
	return c.do(ctx, &pb.Catalog{CatType: &pb.Catalog_ClearCache{ClearCache: &pb.ClearCache{}}})
}

// RefreshTable makes Spark read the metadata of a table again, after its files have changed.
func (c Catalog) RefreshTable(ctx context.Context, table string) error {
	return c.do(ctx, &pb.Catalog{CatType: &pb.Catalog_RefreshTable{RefreshTable: &pb.RefreshTable{TableName: table}}})
}

// RefreshByPath makes Spark read the metadata of all that it has cached of a path again.
func (c Catalog) RefreshByPath(ctx context.Context, path string) error {
	return c.do(ctx, &pb.Catalog{CatType: &pb.Catalog_RefreshByPath{RefreshByPath: &pb.RefreshByPath{Path: path}}})
}

// RecoverPartitions finds the partitions in the folder of a table and adds them to it.
func (c Catalog) RecoverPartitions(ctx context.Context, table string) error {
	return c.do(ctx, &pb.Catalog{CatType: &pb.Catalog_RecoverPartitions{RecoverPartitions: &pb.RecoverPartitions{TableName: table}}})
}
