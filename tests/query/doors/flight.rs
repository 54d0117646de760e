//! Arrow Flight SQL: the ADBC driver and flightsql-dbapi.

use super::{Server, python};
use crate::query::world;

#[test]
fn the_adbc_driver_asks_binds_and_looks_around() {
    let Some(python) = python() else { return };
    let server = Server::start(&[]);
    let program = r#"
import sys, adbc_driver_flightsql.dbapi as f
c = f.connect(sys.argv[1].replace("grpc+tcp", "grpc"), autocommit=True)
cur = c.cursor()
cur.execute("SELECT customer_id, risk, as_of, approximate FROM customers ORDER BY customer_id")
t = cur.fetch_arrow_table()
print(t.num_rows, [str(field.type) for field in t.schema])
cur.execute("SELECT risk FROM customers WHERE customer_id = ?", [t["customer_id"][0].as_py()])
print(cur.fetchall() == [(t["risk"][0].as_py(),)])
cur.execute("SELECT count(*) FROM customers WHERE risk > $1 AND approximate = $2", [5, False])
print(cur.fetchone()[0] > 0)
o = c.adbc_get_objects(depth="columns", catalog_filter="ebb").read_all().to_pylist()
tables = {t["table_name"]: t for s in o[0]["catalog_db_schemas"] for t in s["db_schema_tables"]}
print(sorted(tables)[:3], tables["customers"]["table_columns"][0]["column_name"])
print(c.adbc_get_table_schema("alerts").names[0])
i = c.adbc_get_info()
print(i["vendor_name"])
for sql in ["SELECT rsk FROM customers", "DELETE FROM customers", "SELECT 1; SELECT 2"]:
    try:
        cur.execute(sql)
        cur.fetchall()
    except Exception as e:
        print(type(e).__name__, str(e).split(": ", 1)[1].split("; wanted")[0].split(". ")[0])
"#;
    let n = world().cell("SELECT count(*) FROM customers");
    let printed = server.python(&python, "flight", program);
    let wanted = format!(
        "{n} ['string', 'double', 'timestamp[ms, tz=UTC]', 'bool']\nTrue\nTrue\n\
         ['alerts', 'columns', 'customers'] customer_id\nid\nEbb\n"
    );
    assert!(printed.starts_with(&wanted), "{printed}\nwanted:\n{wanted}");
    for says in ["did you mean risk?", "a statement DELETE FROM", "2 statements"] {
        assert!(printed.contains(says), "{printed}");
    }
}

#[test]
fn flightsql_dbapi_asks_and_looks_around() {
    let Some(python) = python() else { return };
    let server = Server::start(&[]);
    let program = r#"
import sys
from flightsql import FlightSQLClient, connect
host, port = sys.argv[1].split("//")[1].split(":")
client = FlightSQLClient(host=host, port=int(port), insecure=True, disable_server_verification=True)
cursor = connect(client).cursor()
cursor.execute("SELECT count(*) FROM customers")
print(cursor.fetchone()[0])
info = client.get_tables(include_schema=True)
table = client.do_get(info.endpoints[0].ticket).read_all()
print(sorted(table["table_name"].to_pylist())[:3])
info = client.get_db_schemas()
print(client.do_get(info.endpoints[0].ticket).read_all().to_pylist())
info = client.get_catalogs()
print(client.do_get(info.endpoints[0].ticket).read_all().to_pylist())
info = client.get_table_types()
print(client.do_get(info.endpoints[0].ticket).read_all().to_pylist())
"#;
    let n = world().cell("SELECT count(*) FROM customers");
    assert_eq!(
        server.python(&python, "flight", program),
        format!(
            "{n}\n['alerts', 'columns', 'customers']\n\
             [{{'catalog_name': 'ebb', 'db_schema_name': 'public'}}]\n\
             [{{'catalog_name': 'ebb'}}]\n[{{'table_type': 'TABLE'}}]\n"
        )
    );
}
