import io.kestra.core.models.executions.*;
import io.kestra.core.models.flows.*;
import io.kestra.core.queues.DispatchQueueInterface;
import io.kestra.core.repositories.*;
import io.kestra.core.services.*;
import io.kestra.core.storages.*;
import io.micronaut.context.ApplicationContext;
import java.util.*;

/** What is called otherwise in 1.1: see 1.1/Release.java. */
final class Release {
    private Release() {}

    static void configure(Map<String, Object> config, int port) {
        config.put("kestra.controller.port", port + 1);
        config.put("kestra.worker.controllers.type", "STATIC");
        config.put("kestra.worker.controllers.static.endpoints", List.of(Map.of("host", "127.0.0.1", "port", port + 1)));
    }

    static Object logs(ApplicationContext ctx, String tenant, String execution) {
        return ctx.getBean(LogDataStoreInterface.class).findByExecutionIdWithoutAcl(tenant, execution, org.slf4j.event.Level.TRACE);
    }

    static Map<String, Object> outputs(ApplicationContext ctx, TaskRun run) throws Exception {
        return ctx.getBean(TaskOutputService.class).getOutputs(run);
    }

    static Map<String, Object> outputs(ApplicationContext ctx, Execution execution) throws Exception {
        return ctx.getBean(ExecutionOutputService.class).getOutputs(execution);
    }

    static Namespace namespace(ApplicationContext ctx, String tenant, String id) {
        return ctx.getBean(NamespaceFactory.class).of(tenant, id, ctx.getBean(StorageInterface.class));
    }

    static Optional<Flow> flow(ApplicationContext ctx, String tenant, String namespace, String id) {
        return ctx.getBean(FlowRepositoryInterface.class).findByIdForExecution(tenant, namespace, id);
    }

    /** The message of the first check that blocks the execution. */
    static Optional<String> blocked(ApplicationContext ctx, Flow flow, Map<String, Object> inputs) {
        var failed = ctx.getBean(FlowService.class).getFailedChecks(flow, inputs);
        if (failed == null) return Optional.empty();
        return failed.stream().filter(c -> String.valueOf(c.getBehavior()).equals("BLOCK_EXECUTION")).map(c -> c.getMessage()).findFirst();
    }

    @SuppressWarnings("unchecked")
    static void emit(Object queue, Execution execution) throws Exception {
        ((DispatchQueueInterface<Execution>) queue).emit(execution);
    }
}
