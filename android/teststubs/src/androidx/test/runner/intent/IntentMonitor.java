package androidx.test.runner.intent;

/** Nobody here listens to intents. */
public interface IntentMonitor {}
