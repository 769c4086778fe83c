import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.*;
import io.kestra.core.models.Label;
import io.kestra.core.models.executions.*;
import io.kestra.core.models.flows.*;
import io.kestra.core.repositories.*;
import io.kestra.core.runners.*;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.services.*;
import io.kestra.core.storages.*;
import io.micronaut.context.ApplicationContext;
import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.Executors;
import java.util.regex.*;

/**
 * A Kestra engine in one process, for `simulate parity --on`: executor, worker, indexer, H2 in memory and local storage
 * from Maven Central, behind the few REST calls that a run needs (Kestra's own web server is not published there). What
 * 1.1 and 2.0 name differently is in their Release.java.
 *
 * <p>Arguments: the port (loopback) and a folder for its storage. Secrets come from the environment (SECRET_X=base64).
 */
public class KestraInProcess {
    static final String TENANT = "main";
    static ApplicationContext ctx;
    static final ObjectMapper JSON = JacksonMapper.ofJson();

    record Part(String name, String filename, byte[] data) {}
    @SuppressWarnings("serial")
    static class Refused extends RuntimeException { final int status; Refused(int s, String m) { super(m); status = s; } }

    static Map<String, Object> config(int port, Path dir) {
        byte[] key = new byte[32];
        new java.security.SecureRandom().nextBytes(key);
        Map<String, Object> c = new LinkedHashMap<>();
        c.put("micronaut.server.port", -1);
        c.put("datasources.h2.url", "jdbc:h2:mem:public;TIME ZONE=UTC;DB_CLOSE_DELAY=-1;DB_CLOSE_ON_EXIT=FALSE");
        c.put("datasources.h2.username", "sa");
        c.put("datasources.h2.password", "");
        c.put("datasources.h2.driverClassName", "org.h2.Driver");
        c.put("kestra.repository.type", "h2");
        c.put("kestra.queue.type", "h2");
        c.put("kestra.storage.type", "local");
        c.put("kestra.storage.local.base-path", dir.resolve("storage").toString());
        c.put("kestra.tasks.tmp-dir.path", dir.resolve("tmp").toString());
        c.put("kestra.encryption.secret-key", Base64.getEncoder().encodeToString(key));
        c.put("kestra.url", "http://localhost:8080");
        c.put("kestra.server-type", "STANDALONE");
        Release.configure(c, port);
        c.put("kestra.server.service.purge.initial-delay", "1h");
        c.put("kestra.server.service.purge.fixed-delay", "1d");
        c.put("kestra.server.liveness.enabled", false);
        c.put("kestra.server.liveness.interval", "10s");
        c.put("kestra.server.liveness.timeout", "1m");
        c.put("kestra.server.liveness.initial-delay", "1m");
        c.put("kestra.server.liveness.heartbeat-interval", "3s");
        c.put("kestra.server.termination-grace-period", "1s");
        c.put("kestra.server.worker-task-restart-strategy", "AFTER_TERMINATION_GRACE_PERIOD");
        c.put("kestra.jdbc.queues.min-poll-interval", "10ms");
        c.put("kestra.jdbc.queues.max-poll-interval", "50ms");
        // -Dkestra.x=y overrides
        for (String p : System.getProperties().stringPropertyNames()) if (p.startsWith("kestra.")) c.put(p, System.getProperty(p));
        return c;
    }

    public static void main(String[] args) throws Exception {
        try { start(Integer.parseInt(args[0]), Path.of(args[1])); } catch (Throwable e) { e.printStackTrace(); System.exit(2); }
    }

    static void start(int port, Path dir) throws Exception {
        Files.createDirectories(dir.resolve("tmp"));
        ctx = ApplicationContext.builder().properties(config(port, dir)).environments("test").start();
        TestRunner runner = ctx.getBean(TestRunner.class);
        runner.setSchedulerEnabled(Boolean.getBoolean("scheduler"));
        runner.run();
        HttpServer http = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        http.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        http.createContext("/", KestraInProcess::handle);
        http.start();
        System.err.println("READY http://127.0.0.1:" + http.getAddress().getPort());
    }

    static void handle(HttpExchange x) throws IOException {
        int status = 200;
        byte[] answer;
        try {
            String path = x.getRequestURI().getPath().replaceFirst("^/api/v1/[^/]+", "");
            if (path.endsWith("/follow")) { follow(x, path.split("/")[2]); return; }
            Object value = route(x.getRequestMethod(), path, query(x.getRequestURI().getRawQuery()), x);
            answer = value instanceof byte[] b ? b : JSON.writeValueAsBytes(value);
        } catch (Throwable e) {
            status = e instanceof Refused r ? r.status : 422;
            if (!(e instanceof Refused) && Boolean.getBoolean("trace")) e.printStackTrace();
            answer = JSON.writeValueAsBytes(Map.of("message", String.valueOf(e.getMessage()), "type", e.getClass().getName()));
        }
        x.getResponseHeaders().set("Content-Type", "application/json");
        x.sendResponseHeaders(status, answer.length);
        x.getResponseBody().write(answer);
        x.close();
    }

    static Object route(String method, String path, Map<String, List<String>> query, HttpExchange x) throws Exception {
        String[] p = path.substring(1).split("/");
        FlowRepositoryInterface flows = ctx.getBean(FlowRepositoryInterface.class);
        if (p[0].equals("flows")) {
            if (method.equals("GET")) {
                FlowWithSource f = flows.findByIdWithSource(TENANT, p[1], p[2]).orElseThrow(() -> new Refused(404, "Not Found"));
                return Map.of("id", f.getId(), "namespace", f.getNamespace(), "revision", f.getRevision(), "source", f.getSource());
            }
            String source = new String(x.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            return Map.of("id", ctx.getBean(FlowService.class).importFlow(TENANT, source).getId());
        }
        if (p[0].equals("logs"))
            return Release.logs(ctx, TENANT, p[1]);
        if (p[0].equals("outputs")) {
            Execution e = execution(p[1]);
            TaskRun run = e.getTaskRunList().stream().filter(r -> r.getId().equals(p[2])).findFirst().orElseThrow(() -> new Refused(404, "Not Found"));
            Map<String, Object> out = Release.outputs(ctx, run);
            return out == null ? Map.of() : out;
        }
        if (p[0].equals("namespaces") && p[2].equals("files")) {
            Part file = parts(x).getFirst();
            Release.namespace(ctx, TENANT, p[1]).putFile(Path.of(query.get("path").getFirst()), new ByteArrayInputStream(file.data));
            return Map.of();
        }
        if (p[0].equals("executions")) {
            if (method.equals("POST") && p.length == 3) return create(p[1], p[2], query, parts(x));
            if (method.equals("GET") && p.length == 1)
                return ctx.getBean(ExecutionRepositoryInterface.class).findAllAsync(TENANT).map(KestraInProcess::json).collectList().block();
            if (method.equals("GET") && p.length == 2) return json(execution(p[1]));
            if (method.equals("GET") && p[2].equals("file"))
                return ctx.getBean(StorageInterface.class).get(TENANT, execution(p[1]).getNamespace(), URI.create(query.get("path").getFirst())).readAllBytes();
        }
        throw new Refused(404, "no such path " + path);
    }

    static Execution execution(String id) {
        return ctx.getBean(ExecutionRepositoryInterface.class).findByIdWithoutAcl(TENANT, id).orElseThrow(() -> new Refused(404, "Not Found"));
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> json(Execution e) {
        Map<String, Object> value = JSON.convertValue(e, Map.class);
        try {
            Map<String, Object> out = Release.outputs(ctx, e);
            if (out != null && !out.isEmpty()) value.put("outputs", out);
        } catch (Exception ignored) { value.put("outputsError", String.valueOf(ignored)); }
        return value;
    }

    @SuppressWarnings("unchecked")
    static Object create(String ns, String id, Map<String, List<String>> query, List<Part> parts) throws Exception {
        Flow flow = Release.flow(ctx, TENANT, ns, id).orElseThrow(() -> new Refused(404, "Not Found"));
        if (flow.isDisabled()) throw new Refused(409, "Cannot execute a disabled flow");
        List<Label> labels = new ArrayList<>();
        for (String l : query.getOrDefault("labels", List.of())) labels.add(new Label(l.split(":", 2)[0], l.split(":", 2)[1]));
        Execution e = Execution.newExecution(flow, (f, ex) -> {
            Map<String, Object> raw = new LinkedHashMap<>();
            for (Part part : parts) if (!part.name.isEmpty()) {
                try {
                    raw.put(part.name, part.filename == null ? new String(part.data, StandardCharsets.UTF_8)
                        : ctx.getBean(StorageInterface.class).from(ex, part.name, part.filename, tmp(part)).toString());
                } catch (Exception error) { throw new RuntimeException(error); }
            }
            return ctx.getBean(FlowInputOutput.class).readExecutionInputs(f, ex, raw);
        }, labels, Optional.empty());
        Release.blocked(ctx, flow, e.getInputs()).ifPresent(message -> {
            throw new Refused(422, "Flow execution blocked: one or more condition checks evaluated to false. Failed checks: " + message);
        });
        var field = TestRunnerUtils.class.getDeclaredField("executionQueue"); field.setAccessible(true);
        Release.emit(field.get(ctx.getBean(TestRunnerUtils.class)), e);
        return json(e);
    }

    static File tmp(Part part) throws IOException {
        Path f = Files.createTempFile("in", part.filename); Files.write(f, part.data); return f.toFile();
    }

    static void follow(HttpExchange x, String id) throws IOException {
        x.getResponseHeaders().set("Content-Type", "text/event-stream");
        x.sendResponseHeaders(200, 0);
        long end = System.currentTimeMillis() + 50_000;
        String last = "", lastState = "";
        long settled = 0;
        try (OutputStream out = x.getResponseBody()) {
            while (System.currentTimeMillis() < end) {
                try {
                    Execution e = execution(id);
                    String text = JSON.writeValueAsString(json(e));
                    boolean over = e.getState().isTerminated();
                    if (!text.equals(last)) { settled = System.currentTimeMillis(); last = text;
                        if (!over) { out.write(("id: progress\ndata: " + text + "\n\n").getBytes(StandardCharsets.UTF_8)); out.flush(); } }
                    // afterExecution tasks come after the end state: over when nothing has changed for a while and nothing runs
                    boolean open = e.getTaskRunList() != null && e.getTaskRunList().stream().anyMatch(r -> !r.getState().isTerminated());
                    if (over && !open && System.currentTimeMillis() - settled > 700) {
                        out.write(("id: end\ndata: " + last + "\n\n").getBytes(StandardCharsets.UTF_8)); return;
                    }
                } catch (Refused notYet) { }
                try { Thread.sleep(30); } catch (InterruptedException e) { return; }
            }
        }
    }

    static Map<String, List<String>> query(String raw) {
        Map<String, List<String>> r = new LinkedHashMap<>();
        if (raw != null) for (String item : raw.split("&")) {
            String[] kv = item.split("=", 2);
            r.computeIfAbsent(URLDecoder.decode(kv[0], StandardCharsets.UTF_8), k -> new ArrayList<>()).add(kv.length < 2 ? "" : URLDecoder.decode(kv[1], StandardCharsets.UTF_8));
        }
        return r;
    }

    static List<Part> parts(HttpExchange x) throws IOException {
        String type = x.getRequestHeaders().getFirst("Content-Type");
        String body = new String(x.getRequestBody().readAllBytes(), StandardCharsets.ISO_8859_1);
        List<Part> r = new ArrayList<>();
        if (type == null || !type.contains("boundary=")) return r;
        String mark = "--" + type.replaceAll(".*boundary=\"?([^\";]+).*", "$1");
        for (String piece : body.split(Pattern.quote(mark))) {
            int cut = piece.indexOf("\r\n\r\n");
            if (cut < 0) continue;
            String head = new String(piece.substring(0, cut).getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
            Matcher n = Pattern.compile("[; ]name=\"([^\"]*)\"").matcher(head), f = Pattern.compile("filename=\"([^\"]*)\"").matcher(head);
            if (!n.find()) continue;
            r.add(new Part(n.group(1), f.find() ? f.group(1) : null, piece.substring(cut + 4, piece.length() - 2).getBytes(StandardCharsets.ISO_8859_1)));
        }
        return r;
    }
}
