import io.kestra.core.models.executions.*;
import io.kestra.core.models.flows.*;
import io.kestra.core.queues.QueueInterface;
import io.kestra.core.repositories.*;
import io.kestra.core.services.*;
import io.kestra.core.storages.*;
import io.micronaut.context.ApplicationContext;
import java.util.*;

/** What is called otherwise in 2.0: see 2.0/Release.java. */
final class Release {
    private Release() {}

    static void configure(Map<String, Object> config, int port) {
        config.put("flyway.datasources.h2.enabled", true);
        config.put("flyway.datasources.h2.locations", List.of("classpath:migrations/h2"));
        config.put("flyway.datasources.h2.ignore-migration-patterns", "*:missing,*:future");
        config.put("flyway.datasources.h2.out-of-order", true);
        config.put("kestra.server.service.purge.retention", "30d");
        config.put("kestra.jdbc.queues.poll-size", 100);
        config.put("kestra.jdbc.queues.poll-switch-interval", "60s");
        config.put("kestra.jdbc.cleaner.initial-delay", "1h");
        config.put("kestra.jdbc.cleaner.fixed-delay", "1h");
    }

    static Object logs(ApplicationContext ctx, String tenant, String execution) {
        return ctx.getBean(LogRepositoryInterface.class).findByExecutionIdWithoutAcl(tenant, execution, org.slf4j.event.Level.TRACE);
    }

    static Map<String, Object> outputs(ApplicationContext ctx, TaskRun run) {
        return run.getOutputs();
    }

    static Map<String, Object> outputs(ApplicationContext ctx, Execution execution) {
        return execution.getOutputs();
    }

    static Namespace namespace(ApplicationContext ctx, String tenant, String id) {
        return new InternalNamespace(tenant, id, ctx.getBean(StorageInterface.class));
    }

    static Optional<Flow> flow(ApplicationContext ctx, String tenant, String namespace, String id) {
        return ctx.getBean(FlowRepositoryInterface.class).findById(tenant, namespace, id);
    }

    /** The web server looks at them in 1.1. */
    static Optional<String> blocked(ApplicationContext ctx, Flow flow, Map<String, Object> inputs) {
        return Optional.empty();
    }

    @SuppressWarnings("unchecked")
    static void emit(Object queue, Execution execution) throws Exception {
        ((QueueInterface<Execution>) queue).emit(execution);
    }
}
