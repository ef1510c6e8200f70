import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.stream.Stream;
import org.neo4j.configuration.GraphDatabaseSettings;
import org.neo4j.configuration.connectors.BoltConnector;
import org.neo4j.configuration.helpers.SocketAddress;
import org.neo4j.harness.Neo4j;
import org.neo4j.harness.Neo4jBuilders;
import org.neo4j.io.ByteUnit;

/**
 * A Neo4j for as long as standard input stays open, so that it ends with whoever began it, however that ended.
 *
 * Arguments: a folder for its files, a port of this machine (0: any that is free), and the size of its page cache. A
 * password, if there is to be one, is read from the environment, where other users of the machine cannot see it. Prints the address when ready.
 */
class Neo4jServer {
    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        SocketAddress address = new SocketAddress("127.0.0.1", Integer.parseInt(arguments[1]));
        String password = System.getenv("WEFT_SERVE_PASSWORD");
        Neo4j server = Neo4jBuilders.newInProcessBuilder(folder)
                .withDisabledServer()
                .withConfig(BoltConnector.listen_address, address)
                .withConfig(GraphDatabaseSettings.auth_enabled, password != null)
                .withConfig(GraphDatabaseSettings.pagecache_memory, ByteUnit.parse(arguments[2]))
                .build();
        if (password != null) {
            server.databaseManagementService().database("system").executeTransactionally(
                    "ALTER USER neo4j SET PASSWORD $password CHANGE NOT REQUIRED", Map.of("password", password));
        }
        System.out.println("bolt://localhost:" + server.boltURI().getPort());
        System.in.transferTo(OutputStream.nullOutputStream());
        delete(folder);
        Runtime.getRuntime().halt(0); // an orderly end takes ten seconds, and nothing is to be kept
    }

    private static void delete(Path folder) {
        try (Stream<Path> paths = Files.walk(folder)) {
            paths.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        } catch (IOException | UncheckedIOException error) {
            System.err.println(error); // the server was writing; whoever began it deletes the rest
        }
    }
}
