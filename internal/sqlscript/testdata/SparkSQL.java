// SparkSQL says what Spark's own command line, bin/spark-sql, makes of scripts. It reads a JSON array of rows with a field
// "script" and writes the rows anew, one a line, each with
//
//   commands  what spark-sql would run, in order
//   rest      the last of them, if spark-sql's prompt would wait for more
//   whole     whether Spark's parser takes all of the script for one statement
//
// spark-sql-4.3.0.json was made so, in a folder outside of the project (Hive leaves files there), with Java 17 and the Spark that
// firesteel itself downloads (~/.cache/firesteel/spark/4.3.0). To add a script, add a row that has nothing but "script".
//
//   java $(for p in java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.util java.util.concurrent sun.nio.ch \
//            sun.nio.cs sun.security.action sun.util.calendar; do echo --add-opens=java.base/$p=ALL-UNNAMED; done) \
//     -Dspark.master=local[1] -Dspark.ui.enabled=false -cp "$SPARK_HOME/jars/*" SparkSQL.java < old.json > new.json
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.hive.cli.CliSessionState;
import org.apache.hadoop.hive.conf.HiveConf;
import org.apache.hadoop.hive.ql.session.SessionState;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.hive.thriftserver.SparkSQLCLIDriver;
import org.apache.spark.sql.hive.thriftserver.SparkSQLEnv;

public class SparkSQL {
  public static void main(String[] args) throws Exception {
    ObjectMapper json = new ObjectMapper();
    JsonNode rows = json.readTree(System.in);
    SessionState.setCurrentSessionState(new CliSessionState(new HiveConf()));
    List<String> commands = new ArrayList<>();
    SparkSQLCLIDriver cli =
        new SparkSQLCLIDriver() {
          @Override
          public int processCmd(String command) {
            commands.add(command);
            return 0;
          }
        };
    ParserInterface parser = SparkSQLEnv.sparkSession().sessionState().sqlParser();
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
    for (int i = 0; i < rows.size(); i++) {
      String script = rows.get(i).get("script").asText();
      commands.clear();
      cli.processLine(script, false);
      ObjectNode row = json.createObjectNode();
      row.put("script", script);
      row.set("commands", json.valueToTree(commands));
      row.put("rest", parser.splitStatements(script).partialStatement());
      boolean whole = true;
      try {
        parser.parsePlan(script);
      } catch (Exception e) {
        whole = e instanceof org.apache.spark.sql.exceptions.SqlScriptingException; // of what the labels mean, after it was parsed
      }
      row.put("whole", whole);
      out.println((i == 0 ? "[" : " ") + json.writeValueAsString(row) + (i + 1 < rows.size() ? "," : "]"));
    }
    out.flush();
    System.exit(0);
  }
}
