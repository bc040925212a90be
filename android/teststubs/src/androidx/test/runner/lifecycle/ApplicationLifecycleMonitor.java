package androidx.test.runner.lifecycle;

/** Nobody here listens to the application. */
public interface ApplicationLifecycleMonitor {}
